/** The windows of a convolution as columns. */
import type { Value } from '../../ir/graph';
import { defineLayer } from '../define';
import { pair, pairOf } from '../fields';
import { reshapeTo } from './pieces';
import { tableOf } from '../table';

const sides = (description: string, least: number, byDefault: number) =>
  pair(description, {
    anyOf: [
      { type: 'integer', minimum: least },
      { type: 'array', items: { type: 'integer', minimum: least }, minItems: 2, maxItems: 2 },
    ],
    default: byDefault,
  });

export const unfold = defineLayer({
  type: 'unfold',
  summary: 'Lays the windows that a convolution would see beside each other, one a column.',
  details:
    'Input [N, C, H, W], output [N, C·R·S, L]: row (c·R + r)·S + s holds position (r, s) of channel c, column l the l-th window in reading order. Im2col of Caffe (which keeps the windows on two axes) and Unfold of PyTorch. A convolution is a matrix product with it; it takes R·S times the memory of its input.',
  example: '{name: columns, type: unfold, kernel: 3, padding: 1}',
  fields: {
    kernel: pair('Extents of the window.'),
    stride: sides('Steps from one window to the next.', 1, 1),
    padding: sides('Zeros on both sides of each axis.', 0, 0),
    dilation: sides('Steps from one element of the window to the next.', 1, 1),
  },
  required: ['kernel'],
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const input = inputs[0]!;
    const [n = 1, c = 1, h = 1, w = 1] = input.type.shape;
    if (input.type.shape.length !== 4) context.mismatch('shape', 'it works on images of shape [N, C, H, W]');
    const [kernel, stride] = [pairOf(fields, 'kernel'), pairOf(fields, 'stride')];
    const [padding, dilation] = [pairOf(fields, 'padding'), pairOf(fields, 'dilation')];
    const windows = [h, w].map((extent, i) => {
      const room = extent + 2 * padding[i]! - dilation[i]! * (kernel[i]! - 1) - 1;
      if (room < 0)
        context.mismatch('shape', `kernel ${kernel.join('×')} does not fit into ${h}×${w}, padding included`);
      return Math.floor(room / stride[i]!) + 1;
    });
    const border = [0, 0, ...padding];
    const padded = padding.some((width) => width > 0)
      ? b.op('pad', [input], { low: border, high: border, interior: [0, 0, 0, 0], value: 0 })
      : input;
    const [rows, columns] = [windows[0] ?? 1, windows[1] ?? 1];
    const at = (r: number, s: number): Value => {
      const starts = [0, 0, r * dilation[0], s * dilation[1]];
      const limits = [n, c, starts[2]! + (rows - 1) * stride[0] + 1, starts[3]! + (columns - 1) * stride[1] + 1];
      const cut = b.op('slice', [padded], { starts, limits, strides: [1, 1, ...stride] });
      return reshapeTo(b, cut, [n, c, 1, rows * columns]);
    };
    const positions = tableOf(kernel[0] * kernel[1], (i) => at(Math.floor(i / kernel[1]), i % kernel[1]));
    const all = positions.length === 1 ? positions[0]! : b.op('concat', positions, { axis: 2 });
    return reshapeTo(b, all, [n, c * positions.length, rows * columns]);
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 3, 5] }], fields: { kernel: 3, padding: 1 } },
    {
      inputs: [{ shape: ['N', 1, 7, 5] }],
      fields: { kernel: [3, 2], stride: [2, 1], padding: [0, 1], dilation: [1, 2] },
    },
    { name: 'single pixels', inputs: [{ shape: ['N', 2, 3, 1] }], fields: { kernel: 1 } },
  ],
});
