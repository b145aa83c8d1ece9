/** What average pooling and its gradient share: the divisor of each window, and the samples. */
import type { Attrs } from '../../ir/graph';
import type { Shape } from '../../ir/types';
import { booleanAttr, integersAttr, numberAttr } from '../attributes';
import { OpTypeError } from '../define';
import type { Taps, Window } from './spatial';
import { poolWindow, tapsOf } from './spatial';

export interface Averaging {
  readonly window: Window;
  /** One for each position of an output plane, row major. */
  readonly divisors: Float64Array;
  readonly taps: Taps;
}

/** Checks the attributes that averaging has beyond other poolings. */
export function averagingWindow(spatial: Shape, attrs: Attrs): Window {
  const window = poolWindow(spatial, attrs);
  booleanAttr(attrs, 'count_include_pad');
  if (attrs.divisor !== undefined && !(numberAttr(attrs, 'divisor') > 0)) {
    throw new OpTypeError(`attribute 'divisor' is ${String(attrs.divisor)}, expected a number above 0`);
  }
  const overhang = integersAttr(attrs, 'overhang', spatial.length, 0);
  const high = integersAttr(attrs, 'padding_high', spatial.length);
  overhang.forEach((extent, axis) => {
    if (extent > (high[axis] ?? 0)) {
      throw new OpTypeError(`overhang ${extent} is more than the padding_high ${high[axis]} it is part of`);
    }
  });
  return window;
}

/** The elements of a window that count: its extent, cut at the input, or at the declared padding (never at the overhang). */
export function averagingOf(spatial: Shape, attrs: Attrs): Averaging {
  const window = averagingWindow(spatial, attrs);
  const includePad = booleanAttr(attrs, 'count_include_pad');
  const overhang = integersAttr(attrs, 'overhang');
  const counts = spatial.map((extent, i) => {
    const axis = 3 - window.rank + i;
    const low = window.low[axis] ?? 0;
    const least = includePad ? -low : 0;
    const most = extent + (includePad ? (window.high[axis] ?? 0) - (overhang[i] ?? 0) : 0);
    return Array.from({ length: window.output[axis] ?? 0 }, (_, o) => {
      const start = o * (window.stride[axis] ?? 1) - low;
      return Math.min(start + (window.kernel[axis] ?? 1), most) - Math.max(start, least);
    });
  });
  const products = counts.reduce((rows, axis) => rows.flatMap((row) => axis.map((count) => row * count)), [1]);
  const divisors = Float64Array.from(products);
  if (attrs.divisor !== undefined) divisors.fill(numberAttr(attrs, 'divisor'));
  return { window, divisors, taps: tapsOf(window) };
}

export interface PoolSample {
  readonly name: string;
  readonly x: Shape;
  readonly y: Shape;
  readonly attrs: Attrs;
}

function sample(name: string, x: Shape, y: Shape, kernel: Shape, stride: Shape, changes: Attrs = {}): PoolSample {
  const none = kernel.map(() => 0);
  const defaults = { padding_low: none, padding_high: none, overhang: none, count_include_pad: true };
  return { name, x, y, attrs: { kernel, stride, ...defaults, ...changes } };
}

const ALL_ROUND: Attrs = { padding_low: [1, 1], padding_high: [1, 1] };
const HANGING: Attrs = { padding_low: [1, 1], padding_high: [2, 2], overhang: [1, 1] };

export const AVERAGING_SAMPLES: readonly PoolSample[] = [
  sample('two by two', [2, 3, 6, 4], [2, 3, 3, 2], [2, 2], [2, 2]),
  sample('overlapping, odd sizes', [1, 2, 7, 9], [1, 2, 3, 4], [3, 3], [2, 2]),
  sample('padding counts', [2, 2, 7, 7], [2, 2, 4, 4], [3, 3], [2, 2], ALL_ROUND),
  sample('padding does not count', [2, 2, 7, 7], [2, 2, 4, 4], [3, 3], [2, 2], {
    ...ALL_ROUND,
    count_include_pad: false,
  }),
  sample('overhang never counts', [1, 2, 6, 6], [1, 2, 4, 4], [3, 3], [2, 2], HANGING),
  sample('overhang, padding does not count', [1, 2, 6, 6], [1, 2, 4, 4], [3, 3], [2, 2], {
    ...HANGING,
    count_include_pad: false,
  }),
  sample('a divisor of its own', [2, 3, 7, 5], [2, 3, 4, 3], [3, 3], [2, 2], { ...ALL_ROUND, divisor: 2.5 }),
  sample('stride beyond the kernel', [1, 2, 8, 7], [1, 2, 3, 2], [2, 2], [3, 3]),
  sample('padded on one side', [1, 1, 5, 6], [1, 1, 5, 3], [2, 3], [1, 2], {
    padding_low: [1, 0],
    padding_high: [0, 1],
  }),
  sample('the whole plane', [3, 5, 4, 3], [3, 5, 1, 1], [4, 3], [1, 1]),
  sample('one axis', [2, 3, 11], [2, 3, 6], [3], [2], {
    padding_low: [1],
    padding_high: [1],
    count_include_pad: false,
  }),
  sample('three axes', [1, 2, 4, 5, 4], [1, 2, 2, 4, 2], [2, 2, 2], [2, 1, 2]),
];

/** Beside those above where channels are last: more of them than a vector has, and no multiple of it. */
export const MANY_CHANNELS: PoolSample = sample('panels of channels', [2, 35, 7, 6], [2, 35, 4, 3], [3, 3], [2, 2], {
  padding_low: [1, 1],
  padding_high: [1, 0],
  count_include_pad: false,
});
