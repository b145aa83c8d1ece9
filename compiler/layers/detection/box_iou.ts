/** How much boxes overlap, of all pairs or side by side. */
import { sameShape } from '../../ir/types';
import type { Value } from '../../ir/graph';
import { defineLayer, type LowerContext } from '../define';
import { flag, flagOf, wordOf } from '../fields';
import { BoxMath, OVERLAPS, requireBoxes, type Overlap, type Sides } from './boxes';
import { BOXES, fixed, shifted } from './samples';

export const overlapField = {
  description:
    '`iou`: intersection over union. `giou` takes off the empty part of the box around both (Rezatofighi et al. 2019), `diou` the squared distance of the centres over the squared diagonal of that box, `ciou` also a term for the difference in shape (Zheng et al. 2020).',
  enum: OVERLAPS,
} as const;

export function overlapKind(context: LowerContext, field: string): Overlap {
  const word = wordOf(context.fields, field);
  return OVERLAPS.find((one) => one === word) ?? 'iou';
}

export const boxIou = defineLayer({
  type: 'box_iou',
  summary: 'Intersection over union of boxes, or one of its relatives.',
  details:
    "Inputs: boxes [A, 4] or [N, A, 4] and [B, 4] or [N, B, 4] as [x1, y1, x2, y2]. Output: [A, B], or [N, A, B] where one of them has samples; with `pairwise: false` both have one shape, [..., 4], and the output is [...]. Boxes without an area overlap with none. torchvision's box_iou, generalized_box_iou, distance_box_iou and complete_box_iou; `ComputeIoU` of KerasCV.",
  example: '{name: overlap, type: box_iou, inputs: [found, boxes]}',
  fields: {
    kind: { ...overlapField, default: 'iou' },
    pairwise: flag('All of the first with all of the second, instead of side by side.', true),
  },
  arity: [2, 2],
  samples: [
    {
      inputs: [
        { shape: ['N', 3, 4], values: BOXES },
        { shape: ['N', 2, 4], values: shifted(BOXES, 0.07) },
      ],
    },
    // The weight of the shapes is no part of the gradient, so that finite differences are another thing.
    {
      inputs: [
        { shape: ['N', 3, 4], values: BOXES },
        { shape: ['N', 2, 4], values: shifted(BOXES, 0.07) },
      ],
      fields: { kind: 'ciou' },
      wrt: [],
    },
    fixed([{ boxes: shifted(BOXES, 0.07) }, { shape: ['N', 2, 4], values: BOXES }], { fields: { kind: 'diou' } }),
    {
      inputs: [
        { shape: ['N', 3, 4], values: BOXES },
        { shape: ['N', 3, 4], values: shifted(BOXES, 0.07) },
      ],
      fields: { kind: 'giou', pairwise: false },
    },
  ],
  lower(context, inputs) {
    const [a, b] = [inputs[0]!, inputs[1]!];
    for (const boxes of [a, b]) {
      requireBoxes(context, boxes, 'boxes');
    }
    const m = BoxMath.in(context);
    const kind = overlapKind(context, 'kind');
    if (!flagOf(context.fields, 'pairwise')) {
      if (!sameShape(a.type.shape, b.type.shape)) context.mismatch('shape', 'side by side, both need one shape');
      return m.overlap(m.sides(a), m.sides(b), kind);
    }
    const [p, q] = [a.type.shape, b.type.shape];
    if (
      p.length < 2 ||
      p.length > 3 ||
      q.length < 2 ||
      q.length > 3 ||
      (p.length === q.length && p.length === 3 && p[0] !== q[0])
    ) {
      context.mismatch('shape', 'boxes should be [A, 4] or [N, A, 4], of the same samples');
    }
    return m.overlap(spread(m, a, false), spread(m, b, true), kind);
  },
});

/** The sides with an axis of extent 1 for the other set of boxes. */
function spread(m: BoxMath, boxes: Value, isSecond: boolean): Sides {
  const { shape } = boxes.type;
  const [before, count = 1] = [shape.slice(0, -2), shape.at(-2)];
  const wide = (side: Value): Value =>
    m.b.op('reshape', [side], { shape: [...before, ...(isSecond ? [1, count] : [count, 1])] });
  const [x1, y1, x2, y2] = m.sides(boxes);
  return [wide(x1), wide(y1), wide(x2), wide(y2)];
}
