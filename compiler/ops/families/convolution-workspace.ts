/**
 * Scratch bytes of the convolution kernels: their packed weights and partial sums. The kernels in
 * runtime-native/src/cpu/conv_*.cpp compute the same numbers and refuse a plan that reserves less. By shapes alone, so a
 * plan is the same on every processor.
 */
import type { Attrs } from '../../ir/graph';
import type { DType, Shape, TensorType } from '../../ir/types';
import { byteSizeOf, elementCount } from '../../ir/types';
import { integerAttr } from '../attributes';
import { isChannelsLast } from './layout';
import { isWinograd, WINOGRAD_POINTS, winogradSums, type Packing } from './winograd';

const FLOAT_BYTES = 4;
/** Channels of a packed panel are rounded up to this. */
const PANEL_ALIGN = 16;
const MOST_SLICES = 8;
/** Partial weight gradients take no more floats than this, unless one alone does. */
const PARTIAL_FLOATS = 2 ** 21;

function aligned(channels: number): number {
  return Math.ceil(channels / PANEL_ALIGN) * PANEL_ALIGN;
}

/** The channels that are summed over: with channels last they may lie in pairs. */
function paired(channels: number, attrs: Attrs): number {
  return isChannelsLast(attrs) ? Math.ceil(channels / 2) * 2 : channels;
}

interface Extents {
  readonly groups: number;
  /** Input and output channels of a group. */
  readonly cg: number;
  readonly kg: number;
  readonly taps: number;
}

function extentsOf(w: TensorType, attrs: Attrs): Extents {
  const groups = integerAttr(attrs, 'groups', 1);
  const [k = 0, cg = 0, ...kernel] = w.shape;
  return { groups, cg, kg: k / groups, taps: elementCount(kernel) };
}

/** Elements of weights packed for a convolution that gives `y`, [N,K,…]. */
export function packedWeights(dtype: DType, w: TensorType, y: Shape, attrs: Attrs, packing: Packing): number {
  const { groups, cg, kg, taps } = extentsOf(w, attrs);
  if (isWinograd(dtype, cg, y, w.shape.slice(2), attrs, packing)) return WINOGRAD_POINTS * cg * kg;
  return groups * aligned(kg) * paired(cg, attrs) * taps;
}

/** Weights packed by output channel, unless they come so, and a bias of whole panels. `y` is the result. */
export function forwardWorkspace(y: TensorType, w: TensorType, bias: boolean, attrs: Attrs): number {
  const { groups, kg } = extentsOf(w, attrs);
  const weights = attrs['weight_shape'] === undefined ? packedWeights(y.dtype, w, y.shape, attrs, 'within') : 0;
  return byteSizeOf(y.dtype) * weights + FLOAT_BYTES * (bias ? groups * aligned(kg) : 0);
}

/** Weights packed by input channel. `dx` is the result. */
export function gradInputWorkspace(dx: TensorType, w: TensorType, attrs: Attrs): number {
  const { groups, cg, kg, taps } = extentsOf(w, attrs);
  if (isWinograd(dx.dtype, kg, dx.shape, w.shape.slice(2), attrs)) return FLOAT_BYTES * WINOGRAD_POINTS * cg * kg;
  return byteSizeOf(dx.dtype) * groups * aligned(cg) * paired(kg, attrs) * taps;
}

/**
 * The weight gradients of slices of the batch, added in a fixed order; or Winograd's operands of many tiles and the sums
 * of their products. `dy` is [N,K,…].
 */
export function gradWeightWorkspace(dy: TensorType, w: TensorType, attrs: Attrs): number {
  const { groups, cg, kg, taps } = extentsOf(w, attrs);
  if (isWinograd(dy.dtype, cg, dy.shape, w.shape.slice(2), attrs)) return FLOAT_BYTES * winogradSums(cg, dy.shape);
  const [images = 0] = dy.shape;
  const slice = groups * aligned(kg) * paired(cg, attrs) * taps;
  const most = Math.min(Math.max(images, 1), MOST_SLICES);
  const slices = Math.min(Math.max(Math.floor(PARTIAL_FLOATS / slice), 1), most);
  return FLOAT_BYTES * slices * slice;
}
