/**
 * Which convolutions are computed by Winograd's minimal filtering F(4×4, 3×3), whose weights are larger: the rule of
 * runtime-native/src/cpu/conv_winograd.cpp, by shapes alone. Lavin and Gray, "Fast algorithms for convolutional neural
 * networks" (2016).
 */
import type { Attrs } from '../../ir/graph';
import { elementCount, type DType, type Shape } from '../../ir/types';
import { integerAttr, integersAttr } from '../attributes';
import { isChannelsLast } from './layout';

/** Products of a tile, and weights of each pair of channels. */
export const WINOGRAD_POINTS = 36;
const TILE = 4;
const KERNEL = 3;
/** Channels come in vectors. */
const CHANNELS = 16;
const MOST_CHANNELS = 1024;
/** Tiles pay for reading the weights where there are as many as a share of the channels, and for transforming them too. */
const CHANNELS_A_TILE = { apart: 16, within: 4 };
/** Larger weights would be read from memory for every block of tiles. */
const MOST_WEIGHTS = 2 ** 16;
/** Up to so many weights a chunk is small. */
const FEW_WEIGHTS = 1024;
const CHUNK_FLOATS = 2 ** 20;
const SMALL_CHUNK_FLOATS = 2 ** 18;
const LEAST_TILES = 12;
/** Between the points of a chunk, which would all fall on the same lines of the cache. */
const SKEW = 16;

/** Whether the weights come transformed or the kernel does that itself. */
export type Packing = keyof typeof CHANNELS_A_TILE;

/**
 * A convolution of `dtype` that sums over `inputs` channels and gives `result`, [N,C,…] in its logical order. The gradient
 * of an input is such a convolution too, with the kernel flipped.
 */
export function isWinograd(
  dtype: DType,
  inputs: number,
  result: Shape,
  kernel: Shape,
  attrs: Attrs,
  packing: Packing = 'within',
): boolean {
  const [images = 0, outputs = 0, ...plane] = result;
  if (dtype !== 'f32' || !isChannelsLast(attrs) || integerAttr(attrs, 'groups', 1) !== 1 || plane.length < 2)
    return false;
  if (inputs % CHANNELS !== 0 || outputs % CHANNELS !== 0 || Math.max(inputs, outputs) > MOST_CHANNELS) return false;
  if (inputs * outputs > MOST_WEIGHTS) return false;
  const isTile = (axis: number): boolean => isTileAxis(axis, plane.length);
  const all = (key: string, holds: (value: number, axis: number) => boolean): boolean =>
    integersAttr(attrs, key, plane.length, 0).every(holds);
  const padded = (value: number, axis: number): boolean => value <= (isTile(axis) ? KERNEL - 1 : 0);
  if (!kernel.every((extent, axis) => extent === (isTile(axis) ? KERNEL : 1))) return false;
  if (!all('stride', (value) => value === 1) || !all('dilation', (value) => value === 1)) return false;
  if (!all('padding_low', padded) || !all('padding_high', padded)) return false;
  const tiles = tilesOf(plane);
  // Tiles that hang over count whole.
  if (10 * tiles * TILE * TILE > 16 * elementCount(plane)) return false;
  return CHANNELS_A_TILE[packing] * images * tiles >= Math.max(inputs, outputs);
}

function isTileAxis(axis: number, rank: number): boolean {
  return axis >= rank - 2;
}

/** Tiles of an image with these extents. */
function tilesOf(plane: Shape): number {
  return elementCount(
    plane.map((extent, axis) => (isTileAxis(axis, plane.length) ? Math.ceil(extent / TILE) : extent)),
  );
}

/**
 * Floats of both transformed operands of a chunk of tiles, and of the sums of their products: what dw of such a convolution
 * that gives `result` takes.
 */
export function winogradSums(inputs: number, [images = 0, outputs = 0, ...plane]: Shape): number {
  const channels = inputs + outputs;
  const floats = inputs * outputs > FEW_WEIGHTS ? CHUNK_FLOATS : SMALL_CHUNK_FLOATS;
  const most = Math.max(Math.floor(floats / (WINOGRAD_POINTS * channels)), LEAST_TILES);
  const tiles = Math.min(most, images * tilesOf(plane));
  return WINOGRAD_POINTS * (tiles * channels + 2 * SKEW + inputs * outputs);
}
