/** Plain numbers of right and wrong decisions. */
import { classFields, checkClasses } from './classes';
import { decisionSamples, decisionsOf, together, type Counts } from './counts';
import { countDecisions, decisionFields, TASKS } from './decisions';
import { defineMetric, type Better, type SumMetricDef } from './define';

const { class: classField, per_class: perClassField } = classFields;

function defineOutcome(type: string, key: keyof Counts, better: Better, summary: string): SumMetricDef {
  return defineMetric({
    type,
    summary,
    details: `${TASKS}\n\nThe number over the whole epoch, of all classes together unless \`class\` names one. Keras has it for yes-or-no tasks.`,
    example: `{type: ${type}, inputs: [score, label], threshold: 0}`,
    fields: { ...decisionFields, class: classField!, per_class: perClassField! },
    samples: [
      { inputs: [{ shape: ['N'] }, { shape: ['N'], dtype: 'int32', values: [1, 0, 1] }], fields: { threshold: 0 } },
      ...decisionSamples,
      {
        inputs: [{ shape: ['N', 3] }, { shape: ['N'], dtype: 'int32', range: [0, 2] }],
        fields: { class: 1, per_class: true },
      },
    ],
    arity: [2, 2],
    better,
    lower(context, inputs) {
      const counts = countDecisions(context, inputs);
      checkClasses(context, counts['hits']?.type.shape[0] ?? 0);
      return counts;
    },
    finish(sums, fields) {
      const { of } = decisionsOf(sums);
      const only = fields['class'];
      const value = (typeof only === 'number' ? of[only] : together(of))?.[key] ?? 0;
      if (fields['per_class'] !== true) return value;
      return { value, classes: { [type]: of.map((counts) => counts[key]), labels: of.map(({ tp, fn }) => tp + fn) } };
    },
  });
}

export const truePositives = defineOutcome('true_positives', 'tp', 'higher', 'Number of right decisions for a class.');
export const falsePositives = defineOutcome('false_positives', 'fp', 'lower', 'Number of wrong decisions for a class.');
export const trueNegatives = defineOutcome(
  'true_negatives',
  'tn',
  'higher',
  'Number of right decisions against a class.',
);
export const falseNegatives = defineOutcome(
  'false_negatives',
  'fn',
  'lower',
  'Number of wrong decisions against a class.',
);
