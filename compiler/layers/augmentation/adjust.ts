/** Layers that change the colours of images by random factors. */
import type { Described, FieldSchema, Sample } from '../../frontend/describe';
import type { Json } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import { defineLayer, type LayerDef, type LowerContext } from '../define';
import { numberOf, pair, pairOf, wordOf } from '../fields';
import {
  autoContrasted,
  blend,
  brighter,
  contrasted,
  endsField,
  endsOf,
  grayOf,
  heldWithin,
  hueTurned,
  posterized,
  requireColor,
  saturated,
  solarized,
  valueRangeField,
  valueRangeOf,
} from './color';
import {
  Drawing,
  imagesOf,
  pairOfNumbers,
  probabilityField,
  rangeField,
  rangeOf,
  TRAINING_NOTE,
  type Images,
} from './drawing';
import { blurred, sharpened } from './filter';

interface Adjustment extends Pick<Described, 'type' | 'summary' | 'example' | 'fields' | 'required'> {
  readonly about: string;
  readonly probability: number;
  readonly cases: readonly Sample['fields'][];
  /** Fields whose problems are found in every mode. */
  readonly check?: (context: LowerContext, images: Images) => void;
  readonly adjust: (context: LowerContext, m: Drawing, images: Images) => Value;
}

/** Values of three channels that are far from each other and from the ends, where slopes jump. */
const COLORS: Sample['inputs'][number] = { shape: ['N', 3, 3, 5], range: [0.2, 0.7], separated: true };

function defineAdjustment({ about, probability, cases, check, adjust, ...rest }: Adjustment): LayerDef {
  return defineLayer({
    ...rest,
    details: `Input and output [N, C, H, W]. ${about} ${TRAINING_NOTE}`,
    fields: { ...rest.fields, probability: probabilityField(probability) },
    arity: [1, 1],
    lower(context, inputs) {
      const images = imagesOf(context, inputs[0]!);
      check?.(context, images);
      if (context.mode !== 'train') return images.x;
      const m = new Drawing(context, images.n);
      return m.where(m.hit(context.fields), adjust(context, m, images), images.x);
    },
    samples: cases.map((fields): Sample => ({ inputs: [COLORS], ...(fields && { fields }) })),
  });
}

const factorField = (what: string, byDefault?: Json): FieldSchema =>
  rangeField(`${what}: \`[low, high]\`; a number f is [max(0, 1 − f), 1 + f].`, { minimum: 0 }, byDefault);
const factorOf = (context: LowerContext, field: string): readonly [number, number] => rangeOf(context, field, 1, 0);
const hueField = (byDefault?: Json): FieldSchema =>
  rangeField(
    'How far the hue turns, as a share of the circle: `[low, high]`, or a number for both directions.',
    { minimum: -0.5, maximum: 0.5 },
    byDefault,
  );

export const randomBrightness = defineAdjustment({
  type: 'random_brightness',
  summary: 'Makes images brighter or darker by a random factor.',
  about:
    "`mode: multiply` is torchvision's: x · factor. `mode: add` is RandomBrightness of Keras: x + (factor − 1) · (high − low), so that its factor 0.2 is `factor: 0.2` here too.",
  example: '{name: light, type: random_brightness, factor: 0.3}',
  fields: {
    factor: factorField('The factor'),
    mode: { description: 'How the factor acts.', enum: ['multiply', 'add'], default: 'multiply' },
    value_range: valueRangeField,
  },
  required: ['factor'],
  probability: 1,
  cases: [{ factor: 0.3 }, { factor: [0.9, 1.1], mode: 'add' }, { factor: 0.8, value_range: 'none' }],
  check(context) {
    if (wordOf(context.fields, 'mode') === 'add' && !valueRangeOf(context)) {
      context.fail(['value_range'], '`mode: add` goes by the range of values');
    }
  },
  adjust(context, m, images) {
    const factor = m.between('factor', factorOf(context, 'factor'));
    const range = valueRangeOf(context);
    if (wordOf(context.fields, 'mode') === 'multiply') return brighter(m, images, factor, range);
    const [low, high] = endsOf(context);
    return heldWithin(m, m.add(images.x, m.mul(m.sub(factor, 1), high - low)), range);
  },
});

export const randomContrast = defineAdjustment({
  type: 'random_contrast',
  summary: 'Moves the values of images away from or towards their mean by a random factor.',
  about:
    'factor · x + (1 − factor) · mean. `mean: gray` is that of the grey image (torchvision), `mean: channel` that of each channel (Keras).',
  example: '{name: contrast, type: random_contrast, factor: 0.3}',
  fields: {
    factor: factorField('The factor'),
    mean: { description: 'Which mean.', enum: ['gray', 'channel'], default: 'gray' },
    value_range: valueRangeField,
  },
  required: ['factor'],
  probability: 1,
  cases: [{ factor: 0.3 }, { factor: [0.5, 0.9], mean: 'channel', value_range: 'none' }],
  check(context, images) {
    if (wordOf(context.fields, 'mean') === 'gray') requireColor(context, images);
  },
  adjust: (context, m, images) =>
    contrasted(
      m,
      images,
      m.between('factor', factorOf(context, 'factor')),
      valueRangeOf(context),
      wordOf(context.fields, 'mean') === 'gray' ? 'gray' : 'channel',
    ),
});

export const randomSaturation = defineAdjustment({
  type: 'random_saturation',
  summary: 'Moves colours away from or towards grey by a random factor.',
  about:
    'factor · x + (1 − factor) · grey, as torchvision; RandomSaturation of Keras scales the saturation of hue, saturation and value instead, by factors that 0.5 stands in the middle of.',
  example: '{name: colours, type: random_saturation, factor: 0.3}',
  fields: { factor: factorField('The factor'), value_range: valueRangeField },
  required: ['factor'],
  probability: 1,
  cases: [{ factor: 0.3 }, { factor: [0, 0.5], value_range: 'none' }],
  check: requireColor,
  adjust: (context, m, images) =>
    saturated(m, images, m.between('factor', factorOf(context, 'factor')), valueRangeOf(context)),
});

export const randomHue = defineAdjustment({
  type: 'random_hue',
  summary: 'Turns the hue of images by a random angle.',
  about:
    'As torchvision, whose 0.5 is half a turn; RandomHue of Keras calls the same 1. Images of one channel have no hue.',
  example: '{name: hue, type: random_hue, factor: 0.1}',
  fields: { factor: hueField() },
  required: ['factor'],
  probability: 1,
  cases: [{ factor: 0.1 }, { factor: [0.3, 0.5], probability: 0.5 }],
  check: requireColor,
  adjust: (context, m, images) => hueTurned(m, images, m.between('factor', rangeOf(context, 'factor'))),
});

export const colorJitter = defineAdjustment({
  type: 'color_jitter',
  summary: 'Changes brightness, contrast, saturation and hue of images at random.',
  about:
    'ColorJitter of torchvision and RandomColorJitter of Keras, in this order; torchvision draws the order too. What is 0 is left out.',
  example: '{name: jitter, type: color_jitter, brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05}',
  fields: {
    brightness: factorField('Factor of the brightness', 0),
    contrast: factorField('Factor of the contrast', 0),
    saturation: factorField('Factor of the saturation', 0),
    hue: hueField(0),
    value_range: valueRangeField,
  },
  probability: 1,
  cases: [{ brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05 }, { contrast: [0.5, 0.8] }],
  check(context, images) {
    requireColor(context, images);
    if (['brightness', 'contrast', 'saturation', 'hue'].every((field) => context.fields[field] === 0)) {
      context.fail([], 'it changes nothing', 'set `brightness`, `contrast`, `saturation` or `hue`');
    }
  },
  adjust(context, m, images) {
    const range = valueRangeOf(context);
    let x = images.x;
    const step = (field: string, change: (now: Images, factor: Value) => Value): void => {
      if (context.fields[field] === 0) return;
      const limits = field === 'hue' ? rangeOf(context, field) : factorOf(context, field);
      x = change({ ...images, x }, m.between(field, limits));
    };
    step('brightness', (now, factor) => brighter(m, now, factor, range));
    step('contrast', (now, factor) => contrasted(m, now, factor, range, 'gray'));
    step('saturation', (now, factor) => saturated(m, now, factor, range));
    step('hue', (now, turn) => hueTurned(m, now, turn));
    return x;
  },
});

export const randomGrayscale = defineAdjustment({
  type: 'random_grayscale',
  summary: 'Makes some images grey; the number of channels stays.',
  about: '0.2989 R + 0.587 G + 0.114 B, as torchvision and Keras.',
  example: '{name: gray, type: random_grayscale}',
  fields: {},
  probability: 0.1,
  cases: [{}, { probability: 1 }],
  check: requireColor,
  adjust: (_context, m, images) => blend(m, images.x, grayOf(m, images), 0),
});

export const randomInvert = defineAdjustment({
  type: 'random_invert',
  summary: 'Turns some images into their negatives.',
  about: 'low + high − x. RandomInvert of torchvision and Keras.',
  example: '{name: negative, type: random_invert}',
  fields: { value_range: endsField },
  probability: 0.5,
  cases: [{}, { value_range: [-1, 1], probability: 1 }],
  check: endsOf,
  adjust(context, m, { x }) {
    const [low, high] = endsOf(context);
    return m.sub(low + high, x);
  },
});

export const randomSolarize = defineAdjustment({
  type: 'random_solarize',
  summary: 'Turns values from a threshold on into their negatives, in some images.',
  about:
    'low + high − x where x ≥ threshold, as torchvision; Solarization of Keras can add to values before, and always acts.',
  example: '{name: solar, type: random_solarize, threshold: 0.5}',
  fields: {
    threshold: { description: 'From which value on.', type: 'number' },
    value_range: endsField,
  },
  required: ['threshold'],
  probability: 0.5,
  cases: [{ threshold: 0.5 }, { threshold: 0.31, probability: 1 }],
  check: endsOf,
  adjust: (context, m, images) => solarized(m, images, numberOf(context.fields, 'threshold'), endsOf(context)),
});

export const randomPosterize = defineAdjustment({
  type: 'random_posterize',
  summary: 'Keeps a few bits of each value, in some images.',
  about:
    'Values become bytes, of which the upper `bits` stay: RandomPosterize of torchvision, on the range of values. There is no gradient.',
  example: '{name: poster, type: random_posterize, bits: 3}',
  fields: {
    bits: { description: 'How many bits stay.', type: 'integer', minimum: 1, maximum: 8 },
    value_range: endsField,
  },
  required: ['bits'],
  probability: 0.5,
  cases: [{ bits: 3 }, { bits: 1, probability: 1 }],
  check: endsOf,
  adjust: (context, m, images) => posterized(m, images, 2 ** (8 - numberOf(context.fields, 'bits')), endsOf(context)),
});

export const randomAutoContrast = defineAdjustment({
  type: 'random_auto_contrast',
  summary: 'Stretches the values of each channel over the whole range, in some images.',
  about: 'RandomAutocontrast of torchvision. A channel of one value stays as it is.',
  example: '{name: stretched, type: random_auto_contrast}',
  fields: { value_range: endsField },
  probability: 0.5,
  cases: [{}, { probability: 1, value_range: [-1, 1] }],
  check: endsOf,
  adjust: (context, m, images) => autoContrasted(m, images, endsOf(context)),
});

export const randomSharpness = defineAdjustment({
  type: 'random_sharpness',
  summary: 'Makes images sharper or smoother by a random factor.',
  about:
    'factor · x + (1 − factor) · smoothed, where the filter of 3×3 weighs the middle with 5/13 and the others with 1/13 and leaves the outermost pixels alone: adjust_sharpness of torchvision, of which RandomAdjustSharpness has one factor. Images below 3×3 stay.',
  example: '{name: sharp, type: random_sharpness, factor: [1, 2]}',
  fields: { factor: factorField('The factor'), value_range: valueRangeField },
  required: ['factor'],
  probability: 0.5,
  cases: [{ factor: [1, 2] }, { factor: 0.5, value_range: 'none', probability: 1 }],
  adjust: (context, m, images) =>
    sharpened(m, images, m.between('factor', factorOf(context, 'factor')), valueRangeOf(context)),
});

export const randomGaussianBlur = defineAdjustment({
  type: 'random_gaussian_blur',
  summary: 'Blurs images by a Gaussian of random width.',
  about:
    'exp(−d² / 2σ²) over `kernel` pixels, normalized, σ drawn evenly; beyond the edges images are mirrored. GaussianBlur of torchvision, RandomGaussianBlur of Keras.',
  example: '{name: blurred, type: random_gaussian_blur, kernel: 3}',
  fields: {
    kernel: pair('Extents of the filter, odd.'),
    sigma: pairOfNumbers('Between which widths, in pixels.', { exclusiveMinimum: 0 }, [0.1, 2]),
  },
  required: ['kernel'],
  probability: 1,
  cases: [{ kernel: 3 }, { kernel: [1, 5], sigma: [0.5, 0.5], probability: 0.5 }],
  check(context, { h, w }) {
    const kernel = pairOf(context.fields, 'kernel');
    if (kernel.some((extent) => extent % 2 === 0)) context.fail(['kernel'], 'a filter of even extent has no middle');
    if (kernel[0] > 2 * h - 1 || kernel[1] > 2 * w - 1) {
      context.fail(['kernel'], `images of ${h}×${w} cannot be mirrored so far`);
    }
    const [low, high] = pairOf(context.fields, 'sigma');
    if (low > high) context.fail(['sigma'], `nothing lies between ${low} and ${high}`);
  },
  adjust(context, m, images) {
    const sigma = new Drawing(context, images.n, 2).between('sigma', pairOf(context.fields, 'sigma'));
    return blurred(context, m, images, pairOf(context.fields, 'kernel'), sigma);
  },
});
