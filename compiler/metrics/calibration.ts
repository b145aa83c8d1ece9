/** Whether predicted probabilities are as frequent as they say. */
import type { FieldSchema, Sample } from '../frontend/describe';
import type { Value } from '../ir/graph';
import { elementCount } from '../ir/types';
import type { LowerContext } from '../layers/define';
import { flag, flagOf, numberOf, positive } from '../layers/fields';
import { Formula } from '../losses/formula';
import { ownClass } from '../losses/labels';
import { addUp, countEach, decisionFields, taskOf } from './decisions';
import { defineMetric } from './define';

const { axis, ignore_index: ignoreIndex } = decisionFields;

const fields: Readonly<Record<string, FieldSchema>> = {
  axis: axis!,
  ignore_index: ignoreIndex!,
  from_logits: flag('The predictions are scores, before the softmax or the sigmoid.', true),
};

const TASKS =
  'Inputs: scores [N, C, ...] and labels, class numbers [N, ...] or one-hot [N, C, ...] in float32; or one score for each label, [N, ...] or [N, 1, ...], and labels that are yes above ½.';

const samples: readonly Sample[] = [
  {
    inputs: [
      { shape: ['N', 5], range: [-3, 3] },
      { shape: ['N'], dtype: 'int32', range: [0, 4] },
    ],
  },
  {
    name: 'probabilities of pixels, some ignored',
    inputs: [
      { shape: ['N', 3, 2, 3], range: [0.05, 0.3] },
      { shape: ['N', 2, 3], dtype: 'int32', values: [0, 255, 2, 1] },
    ],
    fields: { from_logits: false, ignore_index: 255 },
  },
  { name: 'yes or no', inputs: [{ shape: ['N', 1] }, { shape: ['N'], dtype: 'int32' }] },
  {
    name: 'yes or no, some ignored',
    inputs: [
      { shape: ['N', 3], range: [0, 1] },
      { shape: ['N', 3], values: [1, 0, -1, 0] },
    ],
    // Several classes with a label each would be one-hot.
    fields: { from_logits: false },
  },
  {
    name: 'scores without an axis',
    inputs: [
      { shape: ['N'], range: [0, 1] },
      { shape: ['N'], values: [1, -1, 0] },
    ],
    fields: { from_logits: false, ignore_index: -1 },
  },
];

interface Probabilities {
  /** With the classes on `axis`, or of yes. */
  readonly p: Value;
  readonly axis?: number;
  readonly task: ReturnType<typeof taskOf>;
}

function probabilities(context: LowerContext, inputs: readonly Value[]): Probabilities {
  const { b } = context;
  const task = taskOf(context, inputs);
  const logits = flagOf(context.fields, 'from_logits');
  if (task.kind === 'choice') {
    return { p: logits ? b.op('softmax', [task.scores], { axis: task.axis }) : task.scores, axis: task.axis, task };
  }
  return { p: logits ? b.op('sigmoid', [task.scores]) : task.scores, task };
}

export const expectedCalibrationError = defineMetric({
  type: 'expected_calibration_error',
  summary: 'How far the probability of what was decided is from the share of decisions that are right.',
  details: `${TASKS}\n\nThe highest probability of each label falls into one of \`bins\` equal parts of 0 … 1, (low, high]. \`norm: l1\`: Σ |share that is right − mean probability| of the bins, weighed by how many labels they hold (Guo et al. 2017); \`max\`: the largest of the bins; \`l2\`: the root of the weighted squares. With one score for each label it is the probability of yes beside the share of yes.`,
  example: '{type: expected_calibration_error, inputs: [logits, label], bins: 15}',
  fields: {
    ...fields,
    bins: positive('Parts that 0 … 1 is cut into.', { default: 15 }),
    norm: { description: 'How the bins become one figure.', enum: ['l1', 'l2', 'max'], default: 'l1' },
  },
  samples,
  arity: [2, 2],
  better: 'lower',
  lower(context, inputs) {
    const { b } = context;
    const m = Formula.in(context);
    const bins = numberOf(context.fields, 'bins');
    const { p, task } = probabilities(context, inputs);
    const { valid } = task;
    const [confidence, right] =
      task.kind === 'choice'
        ? [m.largest(p, task.axis), m.indicator(m.equal(task.predicted(), task.actual))]
        : [p, task.actual];
    // The last bit of a probability may be above 1.
    const part = m.sub(m.op('ceil', m.mul(confidence, bins)), 1);
    const bin = b.op('cast', [m.minimum(m.maximum(part, 0), bins - 1)], { dtype: 'i32' });
    const counted = (x: Value): Value => (valid ? m.mul(x, valid) : x);
    const flat = (x: Value): Value => m.reshape(x, [elementCount(x.type.shape)]);
    return {
      confidence: b.op('scatter_add', [flat(bin), flat(counted(confidence))], { axis: 0, batch_dims: 0, size: bins }),
      right: countEach(context, bin, bins, counted(right)),
      count: countEach(context, bin, bins, valid),
    };
  },
  finish({ confidence = new Float64Array(), right, count }, { norm }) {
    const total = count?.reduce((sum, x) => sum + x, 0) ?? 0;
    if (total === 0) return NaN;
    const gaps = Array.from(confidence, (sum, i) => {
      const own = count?.[i] ?? 0;
      return { weight: own / total, gap: own > 0 ? Math.abs((right?.[i] ?? 0) - sum) / own : 0 };
    });
    if (norm === 'max') return Math.max(...gaps.map(({ gap }) => gap));
    if (norm === 'l2') return Math.sqrt(gaps.reduce((sum, { weight, gap }) => sum + weight * gap * gap, 0));
    return gaps.reduce((sum, { weight, gap }) => sum + weight * gap, 0);
  },
});

export const brier = defineMetric({
  type: 'brier',
  summary: 'Mean squared error of predicted probabilities.',
  details: `${TASKS}\n\nΣ (p − t)² over the classes, t being 1 for the label and 0 elsewhere: from 0 to 2 (Brier 1950). With one score for each label (p − t)² of yes, from 0 to 1, as scikit-learn has it.`,
  example: '{type: brier, inputs: [logits, label]}',
  fields,
  samples,
  arity: [2, 2],
  better: 'lower',
  lower(context, inputs) {
    const m = Formula.in(context);
    const { p, axis: along, task } = probabilities(context, inputs);
    const { valid } = task;
    const target =
      task.kind === 'choice'
        ? m.indicator(ownClass(context, p, { numbers: task.actual, axis: task.axis }))
        : task.actual;
    const square = m.square(m.sub(p, target));
    const each = along === undefined ? square : m.sum(square, [along]);
    const axes = each.type.shape.map((_, i) => i);
    return {
      sum: m.sum(valid ? m.mul(each, valid) : each, axes),
      count: valid ? addUp(context, valid) : context.b.full(elementCount(each.type.shape), [], 'i32'),
    };
  },
  finish: ({ sum, count }) => (sum?.[0] ?? 0) / (count?.[0] ?? 0),
});
