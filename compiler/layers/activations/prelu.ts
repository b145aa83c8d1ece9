/** A rectifier whose slope below zero is learned. */
import type { Value } from '../../ir/graph';
import type { Shape } from '../../ir/types';
import { Arithmetic } from '../../ops/families/arithmetic';
import { resolveAxis } from '../axis';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { numberOf, wordOf } from '../fields';
import { requireFloat } from '../window';

export const prelu = defineLayer({
  type: 'prelu',
  summary: 'x where it is positive, slope · x elsewhere, with learned slopes.',
  details: [
    "He et al. 2015. Weights: `slope`, 0.25 at the start (Keras: 0), without weight decay unless `parameters` asks for it. Its shape is [C] with `slopes: channel` (Caffe's default; PyTorch with `num_parameters`), [1] with `one` (Caffe's channel_shared, PyTorch's default), that of the input without the batch axis with `element` (Keras' default).",
    'It owns a parameter, so that it is a layer of its own and no value of `activation:`.',
  ].join('\n\n'),
  example: '{name: act1, type: prelu}',
  fields: {
    slopes: {
      description: 'How many slopes there are: one for each channel, one in all, or one for each element of a sample.',
      enum: ['channel', 'one', 'element'],
      default: 'channel',
    },
    axis: {
      description:
        'The axis of the channels, 1 unless given; only with `slopes: channel`. Negative numbers count from the last axis.',
      type: 'integer',
    },
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5], separated: true }] },
    { inputs: [{ shape: ['N', 3, 5], separated: true }], fields: { axis: -1 } },
    { inputs: [{ shape: ['N', 3], separated: true }], fields: { slopes: 'one' } },
    { inputs: [{ shape: ['N', 3, 2], separated: true }], fields: { slopes: 'element' } },
  ],
  arity: [1, 1],
  parameters: ['slope'],
  lower(context, inputs) {
    const x = inputs[0]!;
    requireFloat(context, x);
    const m = new Arithmetic(context.b, 'f32');
    const { own, along } = slopeShape(context, x);
    const slope = context.parameter('slope', own, { init: { type: 'constant', value: 0.25 }, decay: false });
    return m.where(m.greater(x, 0), x, m.mul(x, context.b.op('reshape', [slope], { shape: along })));
  },
});

/** The parameter's shape, and the one in which it broadcasts against the input. */
function slopeShape(context: LowerContext, x: Value): { readonly own: Shape; readonly along: Shape } {
  const { shape } = x.type;
  const slopes = wordOf(context.fields, 'slopes');
  const ones = shape.map(() => 1);
  if (slopes !== 'channel') {
    if (context.fields['axis'] !== undefined) {
      context.fail(['axis'], `an axis has no effect with \`slopes: ${slopes}\``, 'leave one of the two out');
    }
    return slopes === 'one' ? { own: [1], along: ones } : { own: shape.slice(1), along: [1, ...shape.slice(1)] };
  }
  if (shape.length < 2) context.mismatch('shape', 'it needs channels on axis 1');
  const axis =
    context.fields['axis'] === undefined
      ? 1
      : resolveAxis(context, numberOf(context.fields, 'axis'), shape, ['axis'], 1);
  return { own: [shape[axis] ?? 1], along: ones.with(axis, shape[axis] ?? 1) };
}
