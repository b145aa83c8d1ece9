/**
 * Reading images between their pixels, at points that are listed or follow from an affine map: what the forward and the
 * two backward ops share. An image goes on beyond its edges as `border` says; a point mixes the four pixels around it,
 * or takes the nearest one.
 */
import type { Attrs } from '../../ir/graph';
import { formatType, isFloat, type TensorType } from '../../ir/types';
import { integerAttr, numberAttr, stringAttr } from '../attributes';
import { OpTypeError, type OpSample, type RefTensor } from '../define';

/** For a row a b c: constant 0 0 a b c 0 0, edge a a a b c c c, reflect c b a b c b a, symmetric b a a b c c b, wrap b c a b c a b. */
export const BORDERS = ['constant', 'edge', 'reflect', 'symmetric', 'wrap'] as const;
export type SampleBorder = (typeof BORDERS)[number];

export interface Sampling {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Of the output. */
  readonly rows: number;
  readonly columns: number;
  readonly method: 'bilinear' | 'nearest';
  readonly border: SampleBorder;
  readonly value: number;
}

/** Coordinates are held within this: float32 still counts pixels there. */
const FARTHEST = 2 ** 22;

export function samplingOf(x: TensorType, points: TensorType, attrs: Attrs): Sampling {
  const [batch = 0, channels = 0, height = 0, width = 0] = x.shape;
  if (x.shape.length !== 4 || height < 1 || width < 1 || Math.max(height, width) > FARTHEST) {
    throw new OpTypeError(`expected images [N, C, H, W], found ${formatType(x)}`);
  }
  const rows = integerAttr(attrs, 'height', 1);
  const columns = integerAttr(attrs, 'width', 1);
  const wanted = points.shape.length === 2 ? [batch, 6] : [batch, rows, columns, 2];
  if (
    !isFloat(points.dtype) ||
    wanted.some((extent, i) => points.shape[i] !== extent) ||
    points.shape[4] !== undefined
  ) {
    const list = `[${batch}, 6] or [${batch}, ${rows}, ${columns}, 2]`;
    throw new OpTypeError(`expected maps or points ${list}, found ${formatType(points)}`);
  }
  const method = stringAttr(attrs, 'method');
  if (method !== 'bilinear' && method !== 'nearest') {
    throw new OpTypeError(`attribute 'method' is '${method}', expected 'bilinear' or 'nearest'`);
  }
  const word = stringAttr(attrs, 'border');
  const border = BORDERS.find((one) => one === word);
  if (border === undefined)
    throw new OpTypeError(`attribute 'border' is '${word}', expected one of ${BORDERS.join(', ')}`);
  const value = numberAttr(attrs, 'value');
  if (!isFloat(x.dtype) && (method !== 'nearest' || !Number.isSafeInteger(value))) {
    throw new OpTypeError(`${formatType(x)} can be taken from the nearest pixel alone, and filled with an integer`);
  }
  return { batch, channels, height, width, rows, columns, method, border, value };
}

/** Calls `visit` with every point, counted over the whole batch, and where it lies, in pixels. */
export function forEachPoint(
  points: RefTensor,
  { batch, rows, columns }: Sampling,
  visit: (image: number, point: number, x: number, y: number) => void,
): void {
  const plane = rows * columns;
  const at = (i: number): number => points.data[i] as number;
  for (let p = 0; p < batch * plane; p++) {
    const image = Math.floor(p / plane);
    if (points.type.shape.length === 4) {
      visit(image, p, at(2 * p), at(2 * p + 1));
      continue;
    }
    const [i, j, t] = [Math.floor((p % plane) / columns), p % columns, 6 * image];
    visit(image, p, at(t) * j + at(t + 1) * i + at(t + 2), at(t + 3) * j + at(t + 4) * i + at(t + 5));
  }
}

/** A pixel that a point mixes in: its place in the plane, or undefined beyond a constant border; dx and dy are how its share changes. */
export interface Tap {
  readonly pixel: number | undefined;
  readonly weight: number;
  readonly dx: number;
  readonly dy: number;
}

export function tapsAt(sampling: Sampling, x: number, y: number): readonly Tap[] {
  const { height, width, border } = sampling;
  const [heldX, heldY] = [held(x), held(y)];
  const pixel = (i: number, j: number): number | undefined => {
    const [row, column] = [inside(border, i, height), inside(border, j, width)];
    return row === undefined || column === undefined ? undefined : row * width + column;
  };
  if (sampling.method === 'nearest') {
    return [{ pixel: pixel(roundedToEven(heldY), roundedToEven(heldX)), weight: 1, dx: 0, dy: 0 }];
  }
  const [left, top] = [Math.floor(heldX), Math.floor(heldY)];
  const [fx, fy] = [heldX - left, heldY - top];
  return [
    { pixel: pixel(top, left), weight: (1 - fy) * (1 - fx), dx: fy - 1, dy: fx - 1 },
    { pixel: pixel(top, left + 1), weight: (1 - fy) * fx, dx: 1 - fy, dy: -fx },
    { pixel: pixel(top + 1, left), weight: fy * (1 - fx), dx: -fy, dy: 1 - fx },
    { pixel: pixel(top + 1, left + 1), weight: fy * fx, dx: fy, dy: fx },
  ];
}

/** What is no number lies far outside too. */
function held(x: number): number {
  return x > -FARTHEST ? Math.min(x, FARTHEST) : -FARTHEST;
}

function roundedToEven(x: number): number {
  const near = Math.round(x);
  return near - x === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

function inside(border: SampleBorder, i: number, extent: number): number | undefined {
  if (i >= 0 && i < extent) return i;
  if (border === 'constant') return undefined;
  if (border === 'edge' || extent === 1) return Math.max(0, Math.min(extent - 1, i));
  const period = { wrap: extent, symmetric: 2 * extent, reflect: 2 * extent - 2 }[border];
  const rest = i - period * Math.floor(i / period);
  return rest < extent ? rest : (border === 'symmetric' ? period - 1 : period) - rest;
}

/** A turned, a shrunken and a far map, for samples: no point lies on a whole or half number, where slopes jump. */
const MAPS = [
  0.8137, -0.3171, 0.4339, 0.2713, 0.9173, -0.7293, 1.7339, 0.1171, -2.3719, -0.2371, 1.5773, -1.1379, 3.1397, 5.3171,
  11.7139, -4.3177, 2.9137, -17.3719,
];

export function mapSample(name: string, attrs: Attrs, channels = 2): OpSample {
  return {
    name,
    inputs: [
      { dtype: 'f32', shape: [3, channels, 5, 7] },
      { dtype: 'f32', shape: [3, 6] },
    ],
    attrs: { height: 4, width: 5, value: 0, ...attrs },
    values: { 1: MAPS },
  };
}

export function pointSample(name: string, attrs: Attrs): OpSample {
  // Off whole and half numbers, where the slopes jump.
  const points = Array.from({ length: 2 * 3 * 2 * 2 }, (_, i) => Math.round(((i * 37) % 90) - 40) / 7 + 0.03);
  return {
    name,
    inputs: [
      { dtype: 'f32', shape: [2, 3, 5, 4] },
      { dtype: 'f32', shape: [2, 3, 2, 2] },
    ],
    attrs: { height: 3, width: 2, value: 0, ...attrs },
    values: { 1: points },
  };
}

/** Requires floating-point numbers of the output's shape. */
export function requireOutputs(tensor: TensorType, sampling: Sampling, name: string): void {
  const { batch, channels, rows, columns } = sampling;
  const wanted = [batch, channels, rows, columns];
  if (!isFloat(tensor.dtype) || wanted.some((extent, i) => tensor.shape[i] !== extent)) {
    throw new OpTypeError(`expected ${name} [${wanted.join(', ')}], found ${formatType(tensor)}`);
  }
}
