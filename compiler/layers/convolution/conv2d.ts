/** Two-dimensional convolution: one `conv` op. */
import { defineLayer } from '../define';
import { flag, flagOf, numberOf, pair, pairOf, positive } from '../fields';
import { initField, weightInit } from '../initial';
import { paddingField, requireImages, windowOf } from '../window';

export const conv2d = defineLayer({
  type: 'conv2d',
  summary: 'Two-dimensional convolution (cross-correlation, as everywhere in deep learning).',
  details: [
    'Input [N, C, H, W], output [N, filters, H′, W′] with H′ = ⌊(H + top + bottom − dilation·(kernel − 1) − 1) / stride⌋ + 1.',
    'Weights: `weight` [filters, C / groups, kernel height, kernel width], `bias` [filters]. `groups: C` makes it depthwise.',
    'Where the stride is above 1, `padding: same` puts the odd zero at the end, as TensorFlow; PyTorch and Caffe pad symmetrically: write `padding: 1` for their 3×3 layers.',
  ].join('\n\n'),
  example: '{name: conv1, type: conv2d, filters: 64, kernel: 3, padding: same, activation: relu}',
  fields: {
    filters: positive('Number of output channels.'),
    kernel: pair('Size of the kernel.'),
    stride: pair('Distance between neighbouring positions of the kernel.', { default: 1 }),
    padding: paddingField,
    dilation: pair('Distance between neighbouring taps of the kernel.', { default: 1 }),
    groups: positive('Splits the channels into groups that are convolved on their own.', { default: 1 }),
    bias: flag('Adds a learned number to each output channel.', true),
    init: initField,
  },
  required: ['filters', 'kernel'],
  arity: [1, 1],
  activates: true,
  parameters: ['weight', 'bias'],
  lower(context, inputs) {
    const { b, fields } = context;
    const input = inputs[0]!;
    const [, channels, height, width] = requireImages(context, input);
    const filters = numberOf(fields, 'filters');
    const groups = numberOf(fields, 'groups');
    if (channels % groups !== 0) {
      context.fail(['groups'], `${groups} groups do not divide the ${channels} channels of the input`);
    }
    if (filters % groups !== 0) {
      context.fail(['groups'], `${groups} groups do not divide the ${filters} filters`);
    }
    const window = windowOf(context, [height, width], pairOf(fields, 'kernel'));
    const operands = [
      input,
      context.parameter('weight', [filters, channels / groups, ...window.kernel], { init: weightInit(context) }),
    ];
    if (flagOf(fields, 'bias')) operands.push(context.parameter('bias', [filters], { init: 'zeros' }));
    return b.op('conv', operands, {
      stride: window.stride,
      padding_low: window.low,
      padding_high: window.high,
      dilation: window.dilation,
      groups,
    });
  },
});
