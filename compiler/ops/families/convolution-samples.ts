/** Shapes that the three convolution ops are all tested on: image, weight and attributes. */
import type { Attrs } from '../../ir/graph';
import type { Shape } from '../../ir/types';

export interface ConvolutionSample {
  readonly name: string;
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
  readonly attrs: Attrs;
}

function sample(name: string, x: Shape, w: Shape, y: Shape, changes: Attrs = {}): ConvolutionSample {
  const each = (value: number) => x.slice(2).map(() => value);
  const attrs = {
    stride: each(1),
    padding_low: each(0),
    padding_high: each(0),
    dilation: each(1),
    groups: 1,
    ...changes,
  };
  return { name, x, w, y, attrs };
}

export const CONVOLUTION_SAMPLES: readonly ConvolutionSample[] = [
  sample('plain', [2, 3, 7, 6], [4, 3, 3, 3], [2, 4, 5, 4]),
  sample('padded by one', [2, 3, 5, 5], [4, 3, 3, 3], [2, 4, 5, 5], { padding_low: [1, 1], padding_high: [1, 1] }),
  sample('strided, odd sizes', [1, 2, 9, 7], [3, 2, 3, 2], [1, 3, 4, 3], { stride: [2, 2] }),
  sample('stride beyond the kernel', [2, 2, 8, 8], [3, 2, 2, 2], [2, 3, 3, 3], { stride: [3, 3] }),
  sample('dilated', [1, 2, 9, 9], [2, 2, 3, 3], [1, 2, 5, 3], { dilation: [2, 3] }),
  sample('grouped', [2, 4, 5, 5], [6, 2, 3, 3], [2, 6, 3, 3], { groups: 2 }),
  sample('depthwise', [2, 3, 6, 5], [3, 1, 3, 3], [2, 3, 6, 5], {
    groups: 3,
    padding_low: [1, 1],
    padding_high: [1, 1],
  }),
  sample('depthwise with two filters a channel, strided', [1, 3, 7, 7], [6, 1, 3, 3], [1, 6, 4, 4], {
    groups: 3,
    stride: [2, 2],
    padding_low: [1, 1],
    padding_high: [1, 1],
  }),
  sample('padded on one side', [1, 2, 5, 6], [3, 2, 4, 2], [1, 3, 5, 3], {
    stride: [1, 2],
    padding_low: [1, 0],
    padding_high: [2, 1],
  }),
  sample('everything at once', [2, 4, 9, 8], [4, 2, 3, 2], [2, 4, 4, 4], {
    stride: [2, 2],
    padding_low: [0, 2],
    padding_high: [2, 1],
    dilation: [2, 3],
    groups: 2,
  }),
  sample('one by one', [2, 5, 4, 3], [7, 5, 1, 1], [2, 7, 4, 3]),
  sample('one by one, strided', [2, 3, 5, 5], [4, 3, 1, 1], [2, 4, 3, 3], { stride: [2, 2] }),
  sample('one channel, one filter', [1, 1, 3, 3], [1, 1, 3, 3], [1, 1, 1, 1]),
  sample('many channels', [1, 33, 4, 5], [17, 33, 3, 3], [1, 17, 4, 5], { padding_low: [1, 1], padding_high: [1, 1] }),
  sample('one axis', [2, 3, 11], [4, 3, 3], [2, 4, 5], { stride: [2], padding_low: [1], padding_high: [0] }),
  sample('three axes', [1, 2, 4, 5, 4], [3, 2, 2, 3, 2], [1, 3, 3, 5, 2], {
    stride: [1, 1, 2],
    padding_low: [0, 1, 0],
    padding_high: [0, 1, 1],
  }),
];
