/** Boxes as their differences from other boxes, and back: what a detector learns, and what it means. */
import type { Value } from '../../ir/graph';
import { sameShape } from '../../ir/types';
import { defineLayer, type LowerContext } from '../define';
import { flag, flagOf, wordOf } from '../fields';
import {
  BoxMath,
  codingField,
  codingOf,
  limitField,
  limitOf,
  requireBoxes,
  variancesField,
  variancesOf,
} from './boxes';
import { BOXES, fixed, PRIORS, shifted } from './samples';

const SHAPES = 'Priors are [P, 4], or [N, P, 4] with some for each sample.';
const FORMULA =
  '`center_size`: x = (box.x − prior.x) / prior.w / v₁, likewise y, and w = log(box.w / prior.w) / v₃, likewise h, of centres and sizes (Girshick et al. 2014); `corner`: (box − prior) / v for each of the four sides; `corner_size`: that in sizes of the prior.';
const SYSTEMS =
  "Caffe's code types CENTER_SIZE, CORNER and CORNER_SIZE; torchvision's BoxCoder has weights, which are 1 / v.";

/** The priors have to be those of the boxes. */
function requirePriors(context: LowerContext, boxes: Value, priors: Value): void {
  requireBoxes(context, boxes, 'boxes');
  requireBoxes(context, priors, 'priors');
  const { shape } = boxes.type;
  const own = priors.type.shape;
  if (sameShape(own, shape) || sameShape(own, shape.slice(-2))) return;
  context.mismatch('shape', `the priors should be [${shape.slice(-2).join(', ')}], one for each box`);
}

export const encodeBoxes = defineLayer({
  type: 'encode_boxes',
  summary: 'Writes boxes by their differences from priors.',
  details: [
    `Inputs: boxes [N, P, 4] as [x1, y1, x2, y2], priors, and variances [P, 4] if they are not a field. ${SHAPES} Output [N, P, 4].`,
    `${FORMULA} ${SYSTEMS}`,
  ].join('\n\n'),
  example: '{name: offsets, type: encode_boxes, inputs: [boxes, priors]}',
  fields: { coding: codingField, variances: variancesField },
  arity: [2, 3],
  lower(context, [boxes, priors, variances]) {
    requirePriors(context, boxes!, priors!);
    const m = BoxMath.in(context);
    return m.encode(m.sides(boxes!), m.sides(priors!), variancesOf(context, variances), codingOf(context));
  },
  samples: [
    fixed([{ shape: ['N', 3, 4], values: BOXES }, { boxes: PRIORS.slice(0, 12) }]),
    fixed(
      [
        { shape: ['N', 3, 4], values: BOXES },
        { shape: ['N', 3, 4], values: shifted(BOXES, 0.03) },
        { boxes: shifted(BOXES, 0.1).slice(0, 12) },
      ],
      { name: 'corners, with variances', fields: { coding: 'corner' } },
    ),
    fixed([{ shape: ['N', 3, 4], values: BOXES }, { boxes: PRIORS.slice(0, 12) }], {
      name: 'corners in sizes',
      fields: { coding: 'corner_size', variances: [0.1, 0.2, 0.3, 0.4] },
    }),
  ],
});

export const decodeBoxes = defineLayer({
  type: 'decode_boxes',
  summary: 'Finds the boxes that differences from priors stand for.',
  details: [
    `Inputs: differences [N, P, 4], priors, and variances [P, 4] if they are not a field. ${SHAPES} Output [N, P, 4] as [x1, y1, x2, y2].`,
    `${FORMULA} ${SYSTEMS}`,
    '`coding: yolo` takes the cells of the priors as its third input: the centre is in the cell, at σ(x) and σ(y) of it, and the size is that of the prior times eʷ and eʰ (Redmon and Farhadi 2018); it has no variances.',
  ].join('\n\n'),
  example: '{name: found, type: decode_boxes, inputs: [offsets, priors]}',
  fields: {
    coding: { ...codingField, enum: ['center_size', 'corner', 'corner_size', 'yolo'] },
    variances: variancesField,
    limit: limitField,
    clip: flag('Boxes end where the image does.', false),
  },
  arity: [2, 3],
  lower(context, [offsets, priors, third]) {
    requirePriors(context, offsets!, priors!);
    const m = BoxMath.in(context);
    const sides =
      wordOf(context.fields, 'coding') === 'yolo'
        ? yoloSides(context, offsets!, priors!, third)
        : m.decode(
            m.sides(offsets!),
            m.sides(priors!),
            variancesOf(context, third),
            codingOf(context),
            limitOf(context),
          );
    return m.join(flagOf(context.fields, 'clip') ? m.within(sides) : sides);
  },
  samples: [
    fixed([{ shape: ['N', 3, 4] }, { boxes: PRIORS.slice(0, 12) }]),
    fixed(
      [{ shape: ['N', 3, 4] }, { shape: ['N', 3, 4], values: BOXES }, { boxes: shifted(BOXES, 0.1).slice(0, 12) }],
      {
        name: 'clipped corners',
        fields: { coding: 'corner', clip: true },
      },
    ),
    fixed([{ shape: ['N', 3, 4] }, { boxes: PRIORS.slice(0, 12) }], {
      name: 'corners in sizes',
      fields: { coding: 'corner_size', variances: 0.3 },
    }),
    fixed([{ shape: ['N', 3, 4] }, { boxes: PRIORS.slice(0, 12) }], {
      name: 'a limit',
      fields: { limit: 0.3, variances: 1 },
    }),
    fixed(
      [
        { shape: ['N', 3, 4] },
        { boxes: PRIORS.slice(0, 12) },
        { boxes: [0, 0, 0.5, 0.5, 0.5, 0, 1, 0.5, 0, 0.5, 0.5, 1] },
      ],
      { name: 'yolo', fields: { coding: 'yolo' } },
    ),
  ],
});

function yoloSides(context: LowerContext, offsets: Value, priors: Value, cells: Value | undefined) {
  const m = BoxMath.in(context);
  if (!cells) context.mismatch('shape', 'it needs the cells of the priors as its third input, for `coding: yolo`');
  if (context.fields['variances'] !== undefined) context.fail(['variances'], 'it has no effect with `coding: yolo`');
  requirePriors(context, offsets, cells);
  const limit = limitOf({ ...context, fields: { ...context.fields, coding: 'center_size' } });
  const [x, y, w, h] = m.sides(offsets);
  const prior = m.centered(m.sides(priors));
  const [left, top, right, bottom] = m.sides(cells);
  return m.around({
    x: m.add(left, m.mul(m.op('sigmoid', x), m.sub(right, left))),
    y: m.add(top, m.mul(m.op('sigmoid', y), m.sub(bottom, top))),
    width: m.mul(prior.width, m.exp(m.minimum(w, limit))),
    height: m.mul(prior.height, m.exp(m.minimum(h, limit))),
  });
}
