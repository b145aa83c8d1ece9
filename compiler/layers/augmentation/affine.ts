/** Images that are turned, moved, sheared and scaled at random: one affine map for each sample, one reading of the image. */
import type { Described, FieldSchema, Sample } from '../../frontend/describe';
import { defineLayer, type LayerDef, type LowerContext } from '../define';
import { flag, flagOf, wordOf } from '../fields';
import { Drawing, imagesOf, probabilityField, rangeField, rangeOf, TRAINING_NOTE, type Images } from './drawing';
import {
  affineMap,
  borderFields,
  MASK_NOTE,
  methodField,
  moved,
  SAMPLE_IMAGE,
  SAMPLE_LABELS,
  type Affine,
} from './motion';

interface Augmentation extends Pick<Described, 'type' | 'summary' | 'details' | 'example' | 'fields' | 'required'> {
  readonly cases: readonly Sample['fields'][];
  readonly affine: (context: LowerContext, m: Drawing, images: Images) => Affine;
}

function defineAffine({ cases, affine, ...rest }: Augmentation): LayerDef {
  return defineLayer({
    ...rest,
    details: `${rest.details ?? ''} Input and output [N, C, H, W].\n\n${MASK_NOTE} ${TRAINING_NOTE}`,
    fields: { ...rest.fields, method: methodField, ...borderFields, probability: probabilityField(1) },
    arity: [1, 2],
    outputs: ['mask'],
    lower(context, inputs) {
      const images = imagesOf(context, inputs[0]!);
      const m = new Drawing(context, images.n, 2);
      const { h: height, w: width } = images;
      const points =
        context.mode === 'train' ? affineMap(m, images, affine(context, m, images), m.hit(context.fields)) : undefined;
      return moved(context, images, inputs, { points, height, width, method: wordOf(context.fields, 'method') });
    },
    samples: [
      ...cases.map((fields): Sample => ({ inputs: [SAMPLE_IMAGE], ...(fields && { fields }) })),
      { name: 'with labels', inputs: [SAMPLE_IMAGE, SAMPLE_LABELS], fields: { ...cases[0], border: 'edge' } },
    ],
  });
}

const degreesField = (what: string, byDefault?: number | readonly [number, number]): FieldSchema =>
  rangeField(
    `${what}, in degrees: \`[low, high]\`, or a number for both directions.`,
    { minimum: -360, maximum: 360 },
    byDefault,
  );
const shearField = (axis: string): FieldSchema =>
  rangeField(
    `Angle of shearing along ${axis}, in degrees: \`[low, high]\`, or a number for both directions.`,
    { minimum: -80, maximum: 80 },
    0,
  );
const shareField = (what: string): FieldSchema =>
  rangeField(
    `${what}, as a share of its extent: \`[low, high]\`, or a number for both directions.`,
    { minimum: -10, maximum: 10 },
    0,
  );
const scaleField = (description: string, byDefault?: readonly number[]): FieldSchema => ({
  description,
  type: 'array',
  items: { type: 'number', exclusiveMinimum: 0, maximum: 100 },
  minItems: 2,
  maxItems: 2,
  ...(byDefault && { default: byDefault }),
});

const radians = (context: LowerContext, m: Drawing, field: string): ReturnType<Drawing['between']> => {
  const [low, high] = rangeOf(context, field);
  return m.between(field, [(low * Math.PI) / 180, (high * Math.PI) / 180]);
};
const pixels = (context: LowerContext, m: Drawing, field: string, extent: number): ReturnType<Drawing['between']> => {
  const [low, high] = rangeOf(context, field);
  return m.between(field, [low * extent, high * extent]);
};

/** Evenly between two scales, for both axes or for each. */
function scales(context: LowerContext, m: Drawing, field: string, keepRatio: boolean): Affine {
  const range = rangeOf(context, field);
  const scaleX = m.between(field, range);
  return { scaleX, scaleY: keepRatio ? scaleX : m.between(`${field} of height`, range) };
}

export const randomRotation = defineAffine({
  type: 'random_rotation',
  summary: 'Turns images about their middle by a random angle, counter-clockwise.',
  details:
    'RandomRotation of torchvision, without `expand`. Keras writes a factor of a whole turn: its 0.1 is `degrees: 36`, and its default border is `symmetric`.',
  example: '{name: turned, type: random_rotation, degrees: 15}',
  fields: { degrees: degreesField('The angle') },
  required: ['degrees'],
  cases: [{ degrees: 15 }, { degrees: [30, 90], border: 'symmetric', method: 'nearest', probability: 0.5 }],
  affine: (context, m) => ({ turn: radians(context, m, 'degrees') }),
});

export const randomTranslation = defineAffine({
  type: 'random_translation',
  summary: 'Moves images by a random share of their height and width.',
  details:
    'RandomTranslation of Keras, which puts the factors in the same order and counts down and right as positive too; its default border is `symmetric`. `whole` moves by whole pixels, as `translate` of torchvision: nothing is blurred.',
  example: '{name: shifted, type: random_translation, height: 0.1, width: 0.1}',
  fields: {
    height: shareField('How far down'),
    width: shareField('How far to the right'),
    whole: flag('Moves by whole pixels.', false),
  },
  cases: [
    { height: 0.1, width: 0.1 },
    { width: [0.1, 0.5], value: 0.5 },
    { height: 0.4, whole: true, border: 'wrap' },
  ],
  affine(context, m, { h, w }) {
    const [moveX, moveY] = [pixels(context, m, 'width', w), pixels(context, m, 'height', h)];
    if (!flagOf(context.fields, 'whole')) return { moveX, moveY };
    return { moveX: m.op('round', moveX), moveY: m.op('round', moveY) };
  },
});

export const randomZoom = defineAffine({
  type: 'random_zoom',
  summary: 'Makes images larger or smaller about their middle.',
  details:
    'A scale above 1 zooms in. `scale` of torchvision. RandomZoom of Keras writes what a side of the view becomes: its factor f is a scale of 1 / (1 + f), and a `width_factor` of its own is `keep_ratio: false`; its default border is `symmetric`.',
  example: '{name: nearer, type: random_zoom, scale: [0.9, 1.2]}',
  fields: {
    scale: scaleField('Between which scales, `[low, high]`.'),
    keep_ratio: flag('Scales width and height alike; else each has a draw of its own.', true),
  },
  required: ['scale'],
  cases: [{ scale: [0.9, 1.2] }, { scale: [0.5, 0.8], keep_ratio: false, border: 'reflect' }],
  affine: (context, m) => scales(context, m, 'scale', flagOf(context.fields, 'keep_ratio')),
});

export const randomShear = defineAffine({
  type: 'random_shear',
  summary: 'Shears images about their middle by random angles.',
  details:
    '`shear` of torchvision, angles for x and y. RandomShear of Keras writes tangents: its factor 0.2 is an angle of 11.3 degrees.',
  example: '{name: sheared, type: random_shear, x: 10}',
  fields: { x: shearField('x'), y: shearField('y') },
  cases: [{ x: 10 }, { x: 20, y: [10, 30] }],
  affine: (context, m) => ({ shearX: radians(context, m, 'x'), shearY: radians(context, m, 'y') }),
});

export const randomAffine = defineAffine({
  type: 'random_affine',
  summary: 'Turns, moves, scales and shears images at random, in one reading.',
  details:
    "RandomAffine of torchvision about the middle: shears, then turns, then moves. Angles turn counter-clockwise, as everywhere here; torchvision's RandomAffine turns clockwise, which ranges on both sides of 0 do not show. torchvision moves by whole pixels, and takes the nearest pixel by default.",
  example: '{name: warped, type: random_affine, degrees: 10, height: 0.1, width: 0.1, scale: [0.9, 1.1]}',
  fields: {
    degrees: degreesField('The angle of turning', 0),
    height: shareField('How far down'),
    width: shareField('How far to the right'),
    scale: scaleField('Between which scales, `[low, high]`, above 1: larger.', [1, 1]),
    shear_x: shearField('x'),
    shear_y: shearField('y'),
  },
  cases: [
    { degrees: 10, height: 0.1, width: 0.1, scale: [0.9, 1.1] },
    { degrees: [-30, 60], shear_x: 15, shear_y: [-5, 5], border: 'symmetric' },
  ],
  affine: (context, m, { h, w }) => ({
    turn: radians(context, m, 'degrees'),
    shearX: radians(context, m, 'shear_x'),
    shearY: radians(context, m, 'shear_y'),
    ...scales(context, m, 'scale', true),
    moveX: pixels(context, m, 'width', w),
    moveY: pixels(context, m, 'height', h),
  }),
});
