/** Products and sums with a tensor that differs along some axes: Caffe's Scale and Bias. */
import type { Value } from '../../ir/graph';
import { Arithmetic } from '../../ops/families/arithmetic';
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { flag, flagOf } from '../fields';
import { initField } from '../initial';
import { requireFloat } from '../window';
import { along, ALONG_FIELDS, learnedShape, requireAlong } from './along';

const TWO =
  'With two inputs the second takes the place of the weight: its axes are those of the first from `axis` on, `axis: 0` with [N, C] scales each channel of each sample.';

export const scale = defineLayer({
  type: 'scale',
  summary: 'Multiplies by a learned weight, or by a second input, that differs along some axes.',
  details: [
    `Caffe's Scale; the layer scale of ConvNeXt with \`init: {type: constant, value: 1.0e-6}\`. ${TWO}`,
    'Weights: `weight` with the extents of those axes, ones at the start, and with `bias: true` a `bias` of the same shape.',
  ].join('\n\n'),
  example: '{name: scaled, type: scale, bias: true}',
  fields: {
    ...ALONG_FIELDS,
    bias: flag('Adds a learned tensor of the same shape after.', false),
    init: { ...initField, description: initField.description.replace('glorot_uniform', 'ones') },
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }], fields: { bias: true } },
    { inputs: [{ shape: ['N', 3, 5] }], fields: { axis: -1 } },
    { inputs: [{ shape: ['N', 3, 2] }], fields: { num_axes: -1, bias: true } },
    { inputs: [{ shape: ['N', 3] }], fields: { num_axes: 0 } },
    { inputs: [{ shape: ['N', 3, 5, 2] }, { shape: ['N', 3] }], fields: { axis: 0 } },
  ],
  arity: [1, 2],
  activates: true,
  parameters: ['weight', 'bias'],
  lower(context, inputs) {
    const { fields } = context;
    requireFloat(context, ...inputs);
    const [x, given] = inputs as readonly [Value, Value?];
    const m = new Arithmetic(context.b, 'f32');
    if (given) {
      if (fields['init'] !== undefined)
        context.fail(['init'], 'there is no weight to start where a second input scales');
      requireAlong(context, x, given);
      if (flagOf(fields, 'bias') && axisOf(context, x) === 0) {
        context.fail(['bias'], 'a learned bias cannot differ along the batch axis', 'add another input instead');
      }
    }
    const own = given ? given.type.shape : learnedShape(context, x);
    const factor = given ?? context.parameter('weight', own, { init: fields['init'] ?? 'ones' });
    const scaled = m.mul(x, along(context, x, factor));
    if (!flagOf(fields, 'bias')) return scaled;
    return m.add(scaled, along(context, x, context.parameter('bias', own, { init: 'zeros' })));
  },
});

export const bias = defineLayer({
  type: 'bias',
  summary: 'Adds a learned tensor, or a second input, that differs along some axes.',
  details: `Caffe's Bias. ${TWO.replace('the weight', 'the bias').replace('scales each channel', 'shifts each channel')} Weights: \`bias\` with the extents of those axes.`,
  example: '{name: shifted, type: bias}',
  fields: ALONG_FIELDS,
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }] },
    { inputs: [{ shape: ['N', 3, 5] }], fields: { axis: 1, num_axes: 2 } },
    { inputs: [{ shape: ['N', 3, 5] }, { shape: ['N', 3] }], fields: { axis: 0 } },
  ],
  arity: [1, 2],
  activates: true,
  parameters: ['bias'],
  lower(context, inputs) {
    requireFloat(context, ...inputs);
    const [x, given] = inputs as readonly [Value, Value?];
    if (given) requireAlong(context, x, given);
    const added = given ?? context.parameter('bias', learnedShape(context, x), { init: 'zeros' });
    return context.b.op('add', [x, along(context, x, added)]);
  },
});
