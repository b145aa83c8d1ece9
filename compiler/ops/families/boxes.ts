/**
 * Boxes [x1, y1, x2, y2] as the ops of detection see them, in float64: how much two overlap, and the checks of what
 * such ops are given. A box whose ends are the wrong way round has no area.
 */
import { formatType, type TensorType } from '../../ir/types';
import { OpTypeError } from '../define';

/** Intersection over union of box i of a and box j of b; 0 where neither has an area. */
export function overlapOf(a: Float64Array, i: number, b: Float64Array, j: number): number {
  const at = (boxes: Float64Array, box: number, side: number): number => boxes[4 * box + side] as number;
  const span = (low: number, high: number): number => Math.max(0, high - low);
  const area = (boxes: Float64Array, box: number): number =>
    span(at(boxes, box, 0), at(boxes, box, 2)) * span(at(boxes, box, 1), at(boxes, box, 3));
  const width = span(Math.max(at(a, i, 0), at(b, j, 0)), Math.min(at(a, i, 2), at(b, j, 2)));
  const height = span(Math.max(at(a, i, 1), at(b, j, 1)), Math.min(at(a, i, 3), at(b, j, 3)));
  const both = width * height;
  const union = area(a, i) + area(b, j) - both;
  return union > 0 ? both / union : 0;
}

/** Boxes of a rank: [.., 4], floating point. */
export function requireBoxes(type: TensorType, rank: number, name: string): void {
  if (type.dtype === 'f32' || type.dtype === 'f64') {
    if (type.shape.length === rank && type.shape[rank - 1] === 4) return;
  }
  const wanted = ['N', 'B', '4'].slice(3 - rank).join(', ');
  throw new OpTypeError(`the ${name} are ${formatType(type)}, expected boxes [${wanted}]`);
}
