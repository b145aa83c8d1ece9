/** Mean and variance normalization of single samples, as Caffe's layer of this name has it. */
import { elementCount } from '../../ir/types';
import { defineLayer } from '../define';
import { flag, flagOf, numberOf } from '../fields';
import { requireFloat } from '../window';

export const mvn = defineLayer({
  type: 'mvn',
  summary: 'Takes the mean off each channel of each sample, and divides by its standard deviation.',
  details:
    "Input [N, C, …], output alike: y = (x − mean) / (deviation + epsilon) with mean and biased deviation over the axes behind the channels, or with `across_channels` over the channels too. No weights. It is Caffe's MVN, which adds epsilon to the deviation and not to the variance; `instance_norm` and `group_norm` are its relatives with learned scales.",
  example: '{name: norm1, type: mvn}',
  fields: {
    normalize_variance: flag('Divides by the deviation; otherwise only the mean is taken off.', true),
    across_channels: flag('Takes mean and deviation over whole samples.', false),
    epsilon: {
      description: 'Added to the deviation; 1e-9 unless said.',
      type: 'number',
      exclusiveMinimum: 0,
    },
  },
  arity: [1, 1],
  activates: true,
  lower(context, inputs) {
    const { b, fields } = context;
    const x = inputs[0]!;
    requireFloat(context, x);
    const first = flagOf(fields, 'across_channels') ? 1 : 2;
    const axes = x.type.shape.map((_, axis) => axis).filter((axis) => axis >= first);
    const count = elementCount(x.type.shape.slice(first));
    if (axes.length === 0 || count === 1) {
      const hint = first === 2 ? 'write `across_channels: true`' : undefined;
      context.mismatch('shape', 'there is one element for each mean: nothing would be left', hint);
    }
    const scaled = flagOf(fields, 'normalize_variance');
    if (!scaled && fields['epsilon'] !== undefined) {
      context.fail(['epsilon'], 'nothing is divided, as `normalize_variance` is false', 'leave it out');
    }
    const mean = (value: typeof x): typeof x =>
      b.op('mul', [b.op('reduce_sum', [value], { axes, keepdims: true }), b.full(1 / count)]);
    const centred = b.op('sub', [x, mean(x)]);
    if (!scaled) return centred;
    const variance = mean(b.op('square', [centred]));
    // A root has no slope at 0: where everything is equal the deviation is 0, and so is its gradient.
    const some = b.op('greater', [variance, b.full(0)]);
    const root = b.op('sqrt', [b.op('where', [some, variance, b.full(1)])]);
    const deviation = b.op('where', [some, root, b.full(0)]);
    const epsilon = fields['epsilon'] === undefined ? 1e-9 : numberOf(fields, 'epsilon');
    return b.op('div', [centred, b.op('add', [deviation, b.full(epsilon)])]);
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 3, 2] }] },
    { inputs: [{ shape: ['N', 3, 2] }], fields: { across_channels: true, epsilon: 0.1 } },
    { inputs: [{ shape: ['N', 2, 5] }], fields: { normalize_variance: false } },
  ],
});
