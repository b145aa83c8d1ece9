/** Sequences whose labels have no place in time: speech and handwriting. */
import type { Value } from '../ir/graph';
import type { LowerContext } from '../layers/define';
import { flag, flagOf, numberOf } from '../layers/fields';
import { defineLoss } from './define';
import { Formula } from './formula';
import { normalizationField, normalizationOf, reduceTerms } from './reduction';
import { requireFloatPrediction } from './targets';

const SCORES = { shape: ['N', 7, 5] as const, range: [-2, 2] as const };
const LABELS = { shape: ['N', 3] as const, dtype: 'int32', values: [1, 1, 2, 4, 3, 0, 2, -1, -1] };

export const ctc = defineLoss({
  type: 'ctc',
  summary: 'Connectionist temporal classification: labels of a sequence, without saying when each of them occurs.',
  details: [
    'Inputs: scores [N, T, C] before the softmax, labels [N, L], and optionally the length of each sequence of scores [N], the length of each sequence of labels [N], and sample weights [N]. Without lengths all T frames count, and the labels before the padding, which is negative or the blank.',
    '−log of the probability of all paths of T classes that become the labels when repetitions are merged and blanks removed then (Graves et al. 2006); one term for each sequence. A sequence that is too short for its labels (each repeated label needs a blank before it) has an infinite loss and stops the run, unless `zero_infinity` makes it 0.',
    "PyTorch's CTCLoss takes log-probabilities [T, N, C] and divides each loss by the number of labels before the mean: `per_label`. Keras' CTC does not divide, and has the last class for the blank in its older backends. Caffe has none.",
  ].join('\n\n'),
  example: '{type: ctc, inputs: [scores, labels, frames, label_count]}',
  fields: {
    blank: { description: 'The class that stands for no label.', type: 'integer', minimum: 0, default: 0 },
    zero_infinity: flag('Sequences that are too short for their labels have a loss of 0.', false),
    per_label: flag('Divide the loss of each sequence by the number of its labels.', false),
    normalization: normalizationField('mean'),
  },
  arity: [2, 5],
  samples: [
    {
      inputs: [
        SCORES,
        { ...LABELS, values: [1, 1, 2, 4, 3, 2, 2, 1, 3] },
        { shape: ['N'], dtype: 'int32', values: [7, 5, 6] },
        { shape: ['N'], dtype: 'int32', values: [3, 2, 1] },
      ],
    },
    { name: 'padded labels', inputs: [SCORES, LABELS], fields: { per_label: true } },
    {
      name: 'too short',
      inputs: [SCORES, LABELS, { shape: ['N'], dtype: 'int64', values: [2, 7, 1] }],
      fields: { zero_infinity: true },
    },
    {
      name: 'weighted, another blank',
      inputs: [
        SCORES,
        { shape: ['N', 2], dtype: 'uint8', values: [0, 1, 3, 3] },
        { shape: ['N'], dtype: 'uint8', values: [7, 6, 5] },
        { shape: ['N'], dtype: 'int32', values: [2, 1] },
        { shape: ['N'], range: [0.5, 2] },
      ],
      fields: { blank: 4, normalization: 'full' },
    },
  ],
  lower(context, inputs) {
    const [scores, labels, frames, counts, weights] = inputs as readonly [Value, Value, Value?, Value?, Value?];
    requireFloatPrediction(context, scores);
    const { shape } = scores.type;
    const [n, steps, classes] = shape;
    if (n === undefined || steps === undefined || classes === undefined || shape.length !== 3) {
      return context.mismatch('shape', 'it needs scores [N, T, C]');
    }
    const blank = numberOf(context.fields, 'blank');
    if (blank >= classes) context.fail(['blank'], `the blank is class ${blank}, but there are ${classes} classes`);
    const m = Formula.in(context);
    const numbers = integers(context, labels, 'labels', 2, n);
    const frameCounts = frames ? integers(context, frames, 'lengths', 1, n) : context.b.full(steps, [n], 'i32');
    const labelCounts = counts
      ? integers(context, counts, 'lengths of labels', 1, n)
      : unpadded(context, numbers, blank);
    const loss = context.b.op('ctc_loss', [scores, numbers, frameCounts, labelCounts], {
      blank,
      zero_infinity: flagOf(context.fields, 'zero_infinity'),
    });
    const divided = flagOf(context.fields, 'per_label') ? m.div(loss, m.maximum(m.indicator(labelCounts), 1)) : loss;
    return reduceTerms(context, { loss: divided }, weights, normalizationOf(context));
  },
});

/** A tensor of integers [N, …] of that rank, as i32. */
function integers(context: LowerContext, value: Value, what: string, rank: number, n: number): Value {
  const { dtype, shape } = value.type;
  if (dtype === 'f32' || dtype === 'bool') context.mismatch('dtype', `the ${what} should be integers`);
  if (shape.length !== rank || shape[0] !== n) {
    context.mismatch('shape', `the ${what} should be [${n}${rank === 2 ? ', L' : ''}]`);
  }
  return dtype === 'i32' ? value : context.b.op('cast', [value], { dtype: 'i32' });
}

/** How many labels of each row stand before the padding. */
function unpadded({ b }: LowerContext, labels: Value, blank: number): Value {
  const zero = b.full(0, [], 'i32');
  const isLabel = b.op('and', [
    b.op('greater_equal', [labels, zero]),
    b.op('not_equal', [labels, b.full(blank, [], 'i32')]),
  ]);
  const ones = b.op('cast', [isLabel], { dtype: 'i32' });
  return b.op('reduce_sum', [ones], { axes: [1], keepdims: false });
}
