/** RandAugment: some of many changes, drawn for each sample. */
import type { Value } from '../../ir/graph';
import { defineLayer, type LowerContext } from '../define';
import { numberOf, positive, wordOf } from '../fields';
import {
  autoContrasted,
  brighter,
  contrasted,
  endsField,
  endsOf,
  posterized,
  requireColor,
  saturated,
  solarized,
} from './color';
import { Drawing, imagesOf, TRAINING_NOTE, type Images } from './drawing';
import { sharpened } from './filter';
import { affineMap, borderFields, methodField, moved } from './motion';

const CHANGES = [
  'identity',
  'shear x',
  'shear y',
  'translate x',
  'translate y',
  'rotate',
  'brightness',
  'colour',
  'contrast',
  'sharpness',
  'posterize',
  'solarize',
  'auto contrast',
] as const;

const { border, value } = borderFields;

/** All changes are made, each with a strength of nothing where another was drawn: one pass for all samples. */
function changedOnce(context: LowerContext, round: number, images: Images): Value {
  const { fields } = context;
  const strength = numberOf(fields, 'magnitude') / 30;
  const range = endsOf(context);
  const flat = new Drawing(context, images.n, 2);
  const drawn = flat.below(`change ${round}`, CHANGES.length);
  const side = flat.side(`side ${round}`);
  const signed = flat.mul(side, strength);
  const chosen = (m: Drawing, change: (typeof CHANGES)[number]): Value =>
    m.equal(m.b.op('reshape', [drawn], { shape: m.shape() }), CHANGES.indexOf(change));
  const amount = (change: (typeof CHANGES)[number], most: number): Value =>
    flat.where(chosen(flat, change), flat.mul(signed, most), 0);
  const angle = flat.where(flat.greater(side, 0), Math.atan(0.3 * strength), -Math.atan(0.3 * strength));
  const map = affineMap(flat, images, {
    turn: amount('rotate', Math.PI / 6),
    shearX: flat.where(chosen(flat, 'shear x'), angle, 0),
    shearY: flat.where(chosen(flat, 'shear y'), angle, 0),
    moveX: amount('translate x', (150 / 331) * images.w),
    moveY: amount('translate y', (150 / 331) * images.h),
  });
  const { h: height, w: width } = images;
  const method = wordOf(fields, 'method');
  const [geometry] = moved(context, images, [images.x], { points: map, height, width, method });
  const m = new Drawing(context, images.n);
  const factor = (change: (typeof CHANGES)[number]): Value =>
    m.add(m.b.op('reshape', [amount(change, 0.9)], { shape: m.shape() }), 1);
  let now: Images = { ...images, x: geometry! };
  const then = (x: Value): void => {
    now = { ...now, x };
  };
  then(brighter(m, now, factor('brightness'), range));
  then(saturated(m, now, factor('colour'), range));
  then(contrasted(m, now, factor('contrast'), range, 'gray'));
  then(sharpened(m, now, factor('sharpness'), range));
  const bits = 8 - Math.round(4 * strength);
  then(m.where(chosen(m, 'posterize'), posterized(m, now, 2 ** (8 - bits), range), now.x));
  const threshold = range[1] - strength * (range[1] - range[0]);
  then(m.where(chosen(m, 'solarize'), solarized(m, now, threshold, range), now.x));
  return m.where(chosen(m, 'auto contrast'), autoContrasted(m, now, range), now.x);
}

export const randAugment = defineLayer({
  type: 'rand_augment',
  summary: 'Makes some of many changes to images, drawn for each: geometry, colours, sharpness.',
  details: `Input and output [N, C, H, W], with 1 or 3 channels. In each of \`count\` rounds a sample gets one of ${CHANGES.length} changes: ${CHANGES.join(', ')} (Cubuk et al. 2020). Strengths are those of RandAugment of torchvision at \`magnitude\` of 30, on a random side where there are two; its equalize is not among them. RandAugment of Keras counts magnitudes from 0 to 1. Values are held within \`value_range\`. Images alone are moved, without a mask. ${TRAINING_NOTE}`,
  example: '{name: varied, type: rand_augment}',
  fields: {
    count: positive('How many changes a sample gets.', { maximum: 16, default: 2 }),
    magnitude: { description: 'How strong each change is.', type: 'number', minimum: 0, maximum: 30, default: 9 },
    value_range: endsField,
    method: { ...methodField, default: 'nearest' },
    ...(border && { border }),
    ...(value && { value }),
  },
  arity: [1, 1],
  samples: [
    { inputs: [{ shape: ['N', 3, 5, 5], range: [0.2, 0.7], separated: true }] },
    {
      inputs: [{ shape: ['N', 1, 4, 5], range: [0.2, 0.7], separated: true }],
      fields: { count: 3, magnitude: 15, method: 'bilinear', border: 'edge' },
    },
  ],
  lower(context, inputs) {
    const images = imagesOf(context, inputs[0]!);
    requireColor(context, images);
    endsOf(context);
    if (context.mode !== 'train') return images.x;
    let x = images.x;
    for (let round = 0; round < numberOf(context.fields, 'count'); round++) {
      x = changedOnce(context, round, { ...images, x });
    }
    return x;
  },
});
