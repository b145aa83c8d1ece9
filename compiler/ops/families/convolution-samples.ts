/** Shapes that the three convolution ops are all tested on: image, weight and attributes, as they lie. */
import type { Attrs } from '../../ir/graph';
import type { DType, Shape } from '../../ir/types';
import { CHANNELS_LAST, channelsLast } from './layout';

export interface ConvolutionSample {
  readonly name: string;
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
  readonly attrs: Attrs;
  /** Of the images. */
  readonly dtype: DType;
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
  return { name, x, w, y, attrs, dtype: 'f32' };
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

const PADDED: Attrs = { padding_low: [1, 1], padding_high: [1, 1] };

/** Beyond those above: more channels than a vector has, and no multiple of it. */
const MANY_CHANNELS: readonly ConvolutionSample[] = [
  sample('3×3 over many tiles', [2, 16, 9, 10], [32, 16, 3, 3], [2, 32, 9, 10], {
    padding_low: [1, 1],
    padding_high: [1, 1],
  }),
  sample('panels of channels', [2, 19, 7, 9], [35, 19, 3, 3], [2, 35, 7, 9], PADDED),
  sample('panels of channels, strided', [1, 24, 9, 7], [33, 24, 3, 3], [1, 33, 5, 4], { ...PADDED, stride: [2, 2] }),
  sample('panels one by one', [2, 21, 5, 3], [67, 21, 1, 1], [2, 67, 5, 3]),
  sample('panels one by one, strided', [1, 32, 7, 5], [48, 32, 1, 1], [1, 48, 4, 3], { stride: [2, 2] }),
  sample('panels in groups', [1, 36, 5, 7], [38, 18, 3, 3], [1, 38, 5, 7], { ...PADDED, groups: 2 }),
  sample('an image of three colours', [1, 3, 15, 13], [16, 3, 7, 7], [1, 16, 8, 7], {
    stride: [2, 2],
    padding_low: [3, 3],
    padding_high: [3, 3],
  }),
  sample('one channel in', [2, 1, 7, 6], [20, 1, 5, 5], [2, 20, 3, 2]),
  sample('one filter', [1, 18, 5, 5], [1, 18, 3, 3], [1, 1, 5, 5], PADDED),
  sample('depthwise, many channels', [2, 35, 7, 5], [35, 1, 3, 3], [2, 35, 7, 5], { ...PADDED, groups: 35 }),
  sample('depthwise, many channels, strided', [1, 17, 9, 8], [17, 1, 5, 5], [1, 17, 5, 4], {
    groups: 17,
    stride: [2, 2],
    padding_low: [2, 2],
    padding_high: [2, 2],
  }),
  sample('depthwise, dilated', [1, 16, 9, 9], [16, 1, 3, 3], [1, 16, 5, 5], { groups: 16, dilation: [2, 2] }),
];

/** All of them with channels last. */
export const CHANNELS_LAST_SAMPLES: readonly ConvolutionSample[] = [...CONVOLUTION_SAMPLES, ...MANY_CHANNELS].map(
  ({ name, x, y, attrs, ...rest }) => ({
    ...rest,
    name: `${name}, channels last`,
    x: channelsLast(x),
    y: channelsLast(y),
    attrs: { ...attrs, layout: CHANNELS_LAST },
  }),
);

/** The same again, stored as bfloat16. */
export const BF16_SAMPLES: readonly ConvolutionSample[] = CHANNELS_LAST_SAMPLES.map((each) => ({
  ...each,
  name: `${each.name}, bfloat16`,
  dtype: 'bf16',
}));
