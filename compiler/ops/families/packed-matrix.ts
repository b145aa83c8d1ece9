/** Matrices in the order in which the matmul kernel reads its right side. */
import type { Attrs } from '../../ir/graph';
import { elementCount, formatType, tensorType, type DType, type TensorType } from '../../ir/types';
import { booleanAttr, integersAttr } from '../attributes';
import { OpTypeError } from '../define';

/** Columns of a packed panel are rounded up to this. */
const PANEL_ALIGN = 16;

/** Elements of the matrix when packed, for products of this dtype; of bfloat16, rows lie in pairs. */
export function packedElements(w: TensorType, dtype: DType, attrs: Attrs): number {
  const { shape } = w;
  const [k = 1, n = 1] = booleanAttr(attrs, 'transpose_b') ? [shape[1], shape[0]] : shape;
  return Math.ceil(n / PANEL_ALIGN) * PANEL_ALIGN * (dtype === 'bf16' ? Math.ceil(k / 2) * 2 : k);
}

/** The right side of a product as it is meant: with `weight_shape` it comes packed. */
export function matrixOf(w: TensorType, attrs: Attrs): TensorType {
  if (attrs['weight_shape'] === undefined) return w;
  const matrix = tensorType(w.dtype, integersAttr(attrs, 'weight_shape', 2));
  const expected = packedElements(matrix, w.dtype, attrs);
  if (w.shape.length !== 1 || elementCount(w.shape) !== expected) {
    throw new OpTypeError(`the packed right side is ${formatType(w)}, expected ${expected} elements`);
  }
  return matrix;
}
