/**
 * Regions of interest: boxes in parts of the image, cut out of feature maps as grids of bins. Where the points lie that
 * are read for a bin, and which four pixels each of them mixes, is said here once for the forward and the backward op.
 */
import type { Attrs } from '../../ir/graph';
import { formatType, type TensorType } from '../../ir/types';
import { booleanAttr, integerAttr } from '../attributes';
import { OpTypeError, type OpSample, type RefTensor } from '../define';
import { requireBoxes } from './boxes';

export interface Regions {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly count: number;
  readonly binsHigh: number;
  readonly binsWide: number;
}

export function regionsOf(features: TensorType, boxes: TensorType, attrs: Attrs): Regions {
  const [batch = 0, channels = 0, height = 0, width = 0] = features.shape;
  if (features.shape.length !== 4 || features.dtype !== boxes.dtype || height < 1 || width < 1) {
    throw new OpTypeError(`expected images [N, C, H, W], found ${formatType(features)}`);
  }
  requireBoxes(boxes, 3, 'regions');
  if (boxes.shape[0] !== batch) throw new OpTypeError(`${batch} images but regions ${formatType(boxes)}`);
  return {
    batch,
    channels,
    height,
    width,
    count: boxes.shape[1] ?? 0,
    binsHigh: integerAttr(attrs, 'output_height', 1),
    binsWide: integerAttr(attrs, 'output_width', 1),
  };
}

export const shapeOfRegions = ({ batch, count, channels, binsHigh, binsWide }: Regions): readonly number[] => [
  batch,
  count,
  channels,
  binsHigh,
  binsWide,
];

export function checkAlign(attrs: Attrs): void {
  integerAttr(attrs, 'sampling_ratio', 0);
  booleanAttr(attrs, 'aligned');
}

/** Calls `visit` with each pixel of a plane that a bin mixes in, and its weight; `bin` counts row by row. */
export function forEachPixel(
  boxes: RefTensor,
  box: number,
  regions: Regions,
  attrs: Attrs,
  visit: (bin: number, pixel: number, weight: number) => void,
): void {
  const { height, width, binsHigh, binsWide } = regions;
  const ratio = integerAttr(attrs, 'sampling_ratio');
  const isAligned = booleanAttr(attrs, 'aligned');
  const side = (k: number, extent: number): number => (boxes.data[4 * box + k] ?? 0) * extent - (isAligned ? 0.5 : 0);
  const [left, top] = [side(0, width), side(1, height)];
  const [right, bottom] = [side(2, width), side(3, height)];
  const binWidth = (isAligned ? right - left : Math.max(1, right - left)) / binsWide;
  const binHeight = (isAligned ? bottom - top : Math.max(1, bottom - top)) / binsHigh;
  const pointsOf = (extent: number): number => (ratio > 0 ? ratio : Math.ceil(extent));
  const [down, across] = [pointsOf(binHeight), pointsOf(binWidth)];
  const points = Math.max(1, down * across);
  for (let bin = 0; bin < binsHigh * binsWide; bin++) {
    for (let i = 0; i < down; i++) {
      const y = top + Math.floor(bin / binsWide) * binHeight + ((i + 0.5) * binHeight) / down;
      for (let j = 0; j < across; j++) {
        const x = left + (bin % binsWide) * binWidth + ((j + 0.5) * binWidth) / across;
        if (!(y >= -1 && y <= height && x >= -1 && x <= width)) continue;
        for (const [row, byRow] of neighbours(y, height)) {
          for (const [column, byColumn] of neighbours(x, width)) {
            visit(bin, row * width + column, (byRow * byColumn) / points);
          }
        }
      }
    }
  }
}

/** The two places that a coordinate lies between, each with its share; beyond an end the last one alone. */
function neighbours(at: number, extent: number): readonly (readonly [place: number, share: number])[] {
  const held = Math.max(0, at);
  const low = Math.floor(held);
  if (low >= extent - 1) return [[extent - 1, 1]];
  return [
    [low, 1 - (held - low)],
    [low + 1, held - low],
  ];
}

/** Regions of many kinds: whole, small, beyond the edges, without an area, upside down. */
export const REGIONS = [
  0.1, 0.2, 0.73, 0.91, 0, 0, 1, 1, 0.31, 0.33, 0.36, 0.41, -0.2, 0.5, 0.4, 1.27, 0.4, 0.4, 0.4, 0.4, 0.9, 0.8, 0.2,
  0.3,
];

export function regionSample(name: string, attrs: Attrs, channels = 3): OpSample {
  return {
    name,
    inputs: [
      { dtype: 'f32', shape: [2, channels, 5, 7] },
      { dtype: 'f32', shape: [2, 3, 4] },
    ],
    attrs,
    values: { 1: REGIONS },
    wrt: [0],
  };
}
