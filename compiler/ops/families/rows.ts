/** What layer normalization and its gradient share: a tensor seen as rows, and the scratch memory of the kernel. */
import type { Attrs } from '../../ir/graph';
import type { Shape, TensorType } from '../../ir/types';
import { elementCount, formatType } from '../../ir/types';
import { axisAttr, booleanAttr, numberAttr, requireFloat } from '../attributes';
import { OpTypeError } from '../define';

export interface Rows {
  /** The axes that number the rows, and those that make up one. */
  readonly outer: Shape;
  readonly inner: Shape;
  readonly rows: number;
  readonly width: number;
}

export function rowsOf(x: TensorType, attrs: Attrs): Rows {
  requireFloat(x, 'input');
  const axis = axisAttr(attrs, 'axis', x.shape.length);
  const epsilon = numberAttr(attrs, 'epsilon');
  if (epsilon < 0) throw new OpTypeError(`attribute 'epsilon' is ${epsilon}, expected a number from 0 on`);
  booleanAttr(attrs, 'center');
  const [outer, inner] = [x.shape.slice(0, axis), x.shape.slice(axis)];
  const width = elementCount(inner);
  if (width === 0) throw new OpTypeError(`the input is ${formatType(x)}: its rows from axis ${axis} on are empty`);
  return { outer, inner, rows: elementCount(outer), width };
}

const FLOAT_BYTES = 4;
const MOST_SLICES = 32;
const SLICE_ELEMENTS = 16384;
const PARTIAL_FLOATS = 2 ** 20;

/**
 * Sums over rows are cut into slices that are added in order, with a row each for gamma and beta. By shapes alone;
 * runtime-native/src/cpu/layer_norm.cpp has the same rule.
 */
export function rowsWorkspace({ rows, width }: Pick<Rows, 'rows' | 'width'>): number {
  const most = Math.min(MOST_SLICES, rows, Math.max(1, Math.floor(PARTIAL_FLOATS / width)));
  const slices = Math.max(1, Math.min(most, Math.ceil((rows * width) / SLICE_ELEMENTS)));
  return FLOAT_BYTES * 2 * slices * width;
}

/** Shapes and attributes that both ops are tried on, and whether gamma and beta take part. */
export const ROW_SAMPLES: readonly { name: string; x: Shape; attrs: Attrs; affine: 0 | 1 | 2 }[] = [
  { name: 'tokens', x: [2, 3, 5], attrs: { axis: 2, epsilon: 1e-5, center: true }, affine: 2 },
  { name: 'rows of several axes', x: [3, 2, 3, 3], attrs: { axis: 1, epsilon: 1e-3, center: true }, affine: 2 },
  { name: 'no gamma, no beta', x: [2, 3, 7], attrs: { axis: 1, epsilon: 1e-5, center: true }, affine: 0 },
  { name: 'gamma alone', x: [5, 9], attrs: { axis: 1, epsilon: 1e-5, center: true }, affine: 1 },
  { name: 'root mean square', x: [2, 3, 5], attrs: { axis: 2, epsilon: 1e-6, center: false }, affine: 1 },
  { name: 'root mean square without gamma', x: [3, 7], attrs: { axis: 1, epsilon: 1e-6, center: false }, affine: 0 },
  { name: 'one row', x: [11], attrs: { axis: 0, epsilon: 1e-5, center: true }, affine: 2 },
  { name: 'wide rows', x: [3, 131], attrs: { axis: 1, epsilon: 1e-5, center: true }, affine: 2 },
];
