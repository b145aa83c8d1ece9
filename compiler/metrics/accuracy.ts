/** Share of labels that are decided rightly. */
import type { Value } from '../ir/graph';
import { elementCount } from '../ir/types';
import type { LowerContext } from '../layers/define';
import { Formula } from '../losses/formula';
import { total } from '../losses/targets';
import { decisionSamples } from './counts';
import { addUp, countEach, decisionFields, taskOf, TASKS, yesOf, type Task } from './decisions';
import { defineMetric } from './define';
import { shareOfHits } from './hits';

export const accuracy = defineMetric({
  type: 'accuracy',
  summary: 'Share of labels that are decided rightly, from 0 to 1.',
  details: `${TASKS}\n\nWith \`per_class\`, evaluations show the share of each class's labels that are decided rightly too (of yes-or-no tasks of several classes, the share of each task), as the second top of Caffe's Accuracy. Keras' BinaryAccuracy is this with a \`threshold\` of 0.5, its CategoricalAccuracy and SparseCategoricalAccuracy are this.`,
  example: '{type: accuracy, inputs: [logits, label]}',
  fields: {
    ...decisionFields,
    per_class: {
      description: 'Whether evaluations show the accuracy of each class too, as `<name>/<class>` and in a table.',
      type: 'boolean',
      default: false,
    },
  },
  samples: [
    ...decisionSamples,
    ...decisionSamples
      .filter(({ name }) => name === undefined || /pixels|multi/.test(name))
      .map((sample) => ({ ...sample, fields: { ...sample.fields, per_class: true } })),
  ],
  arity: [2, 2],
  better: 'higher',
  lower(context, inputs) {
    const task = taskOf(context, inputs);
    const perClass = context.fields['per_class'] === true;
    if (perClass && task.classes === 1) {
      context.fail(['per_class'], 'there is one score for each label, so one class alone');
    }
    const right = rightOf(context, task);
    const { valid } = task;
    const counts = { correct: total(context, right), count: countOf(context, right, valid) };
    if (!perClass) return counts;
    if (task.kind === 'choice') {
      return {
        ...counts,
        hits: countEach(context, task.actual, task.classes, right),
        labels: countEach(context, task.actual, task.classes, valid),
      };
    }
    const keep = task.axis === undefined ? [] : [task.axis];
    const all = valid ?? context.b.full(1, right.type.shape);
    return { ...counts, hits: addUp(context, right, keep), labels: addUp(context, all, keep) };
  },
  finish(sums) {
    const value = shareOfHits(sums);
    const { hits, labels } = sums;
    if (!hits || !labels) return value;
    return { value, classes: { accuracy: Array.from(hits, (hit, i) => hit / labels[i]!), labels } };
  },
});

/** 1 where a label that counts is decided rightly. */
function rightOf(context: LowerContext, task: Task): Value {
  const { b } = context;
  const m = Formula.in(context);
  const { valid } = task;
  if (task.kind === 'choice') {
    const hit = b.op('in_top_k', [task.scores, task.actual], { axis: task.axis, k: 1 });
    return valid ? m.mul(m.indicator(hit), valid) : m.indicator(hit);
  }
  const right = m.indicator(m.equal(yesOf(context, task), task.actual));
  return valid ? m.mul(right, valid) : right;
}

function countOf(context: LowerContext, right: Value, valid: Value | undefined): Value {
  return valid ? total(context, valid) : context.b.full(elementCount(right.type.shape));
}
