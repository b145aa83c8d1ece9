/**
 * What kernels cost, in seconds of one core, where passes choose between them. Rates were measured on Zen 5 cores with
 * AVX-512; it is their ratios that decide, and those are alike on other machines. Not exact, and not meant to be: a
 * choice that these figures leave open by a few percent may go either way.
 */
import type { Attrs } from '../ir/graph';
import type { Shape, TensorType } from '../ir/types';
import { bytesOf, elementCount } from '../ir/types';
import { integerAttr } from '../ops/attributes';
import { CHANNELS_LAST } from '../ops/families/layout';
import { isWinograd } from '../ops/families/winograd';

const GIGA = 1e9;
/** Numbers in a vector. */
const LANES = 16;

/** Multiplications and additions a second, in units of 10⁹. */
const RATES = {
  /** Vectors of output channels. */
  last: 230,
  /** Vectors of pixels: each weight serves few of them where there are no more than a vector of channels. */
  first: 185,
  firstFewChannels: 160,
  firstOneByOne: 150,
  /** Bound by memory in either order. */
  depthwise: 30,
};

/** How much faster Winograd's products are than plain ones, transforms and all. */
const WINOGRAD_SHARE = 2.5;
/** And products of bfloat16, which only channels last have. */
const ROUNDED_SHARE = 2;

/** Fewer channels in than this keep a channels-last kernel waiting for pixels. */
const FEW_CHANNELS = 8;
const FEW_CHANNELS_SHARE = 0.75;

/** Bytes read and written by who only moves elements. */
const MOVE_BYTES = 20 * GIGA;

/** The part of vectors that holds something, where `extent` numbers lie side by side. */
function filled(extent: number): number {
  return extent / (LANES * Math.ceil(extent / LANES));
}

export interface OrderCosts {
  /** Seconds with channels first and last. */
  readonly first: number;
  readonly last: number;
}

/** Which of a convolution's three sums. */
export type ConvolutionOp = 'conv' | 'conv_grad_input' | 'conv_grad_weight';

/**
 * `y` is the output of the convolution, [N, K, …], whichever sum it is; `w` is [K, C/groups, …]. Both as channels first.
 * `rounded`: images with their channels last are bfloat16.
 */
export function convolutionCosts(op: ConvolutionOp, y: Shape, w: Shape, attrs: Attrs, rounded: boolean): OrderCosts {
  const groups = integerAttr(attrs, 'groups', 1);
  const [filters = 1, perGroup = 1, ...kernel] = w;
  const flops = 2 * elementCount(y) * elementCount(w.slice(1));
  const seconds = (rate: number): number => flops / (rate * GIGA);
  if (perGroup === 1 && groups > 1) {
    const share = rounded ? ROUNDED_SHARE : 1;
    return { first: seconds(RATES.depthwise), last: seconds(share * RATES.depthwise * filled(filters)) };
  }
  const [made, summed] = op === 'conv_grad_input' ? [perGroup, filters / groups] : [filters / groups, perGroup];
  const oneByOne = elementCount(kernel) === 1;
  const many = made > LANES ? RATES.first : RATES.firstFewChannels;
  const byPixels = (oneByOne ? RATES.firstOneByOne : many) * filled(elementCount(y.slice(2)));
  const winograd = isWinograd('f32', perGroup, y, kernel, { ...attrs, layout: CHANNELS_LAST });
  const share = rounded ? ROUNDED_SHARE : winograd ? WINOGRAD_SHARE : 1;
  const byChannels = share * RATES.last * filled(made) * (summed < FEW_CHANNELS ? FEW_CHANNELS_SHARE : 1);
  return { first: seconds(byPixels), last: seconds(byChannels) };
}

/** Bytes that batch normalizations go through a second: sums of whole vectors, or one for each plane. */
const NORM_BYTES = { first: 15 * GIGA, last: 22 * GIGA };

/** `bytes`: of all images that are read and written. */
export function normCosts(bytes: number): OrderCosts {
  return { first: bytes / NORM_BYTES.first, last: bytes / NORM_BYTES.last };
}

/** To read all of a tensor and write it in another order. */
export function moveCost(type: TensorType): number {
  return (2 * bytesOf(type)) / MOVE_BYTES;
}
