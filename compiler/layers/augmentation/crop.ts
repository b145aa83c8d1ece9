/** Images that are mirrored and cut at random. */
import type { Value } from '../../ir/graph';
import { defineLayer } from '../define';
import { flag, flagOf, numbersOf, pair, pairOf, wordOf } from '../fields';
import { Drawing, imagesOf, pairOfNumbers, probabilityField, TRAINING_NOTE } from './drawing';
import { borderFields, mapOf, MASK_NOTE, methodField, moved, SAMPLE_IMAGE, SAMPLE_LABELS } from './motion';
import { drawRegion } from './region';

export const randomFlip = defineLayer({
  type: 'random_flip',
  summary: 'Mirrors images at random, left to right or upside down.',
  details: `Input and output [N, C, H, W]. RandomHorizontalFlip and RandomVerticalFlip of torchvision, each with a draw of its own; RandomFlip of Keras does both by default. ${MASK_NOTE} ${TRAINING_NOTE}`,
  example: '{name: mirrored, type: random_flip}',
  fields: {
    horizontal: flag('Mirrors left to right.', true),
    vertical: flag('Mirrors top to bottom.', false),
    probability: { ...probabilityField(0.5), description: 'The probability of each of the two.' },
  },
  arity: [1, 2],
  outputs: ['mask'],
  samples: [
    { inputs: [SAMPLE_IMAGE] },
    { inputs: [SAMPLE_IMAGE, SAMPLE_LABELS], fields: { vertical: true, probability: 1 } },
  ],
  lower(context, inputs) {
    const { fields } = context;
    const images = imagesOf(context, inputs[0]!);
    const { h, w } = images;
    const m = new Drawing(context, images.n, 2);
    const [across, down] = [flagOf(fields, 'horizontal'), flagOf(fields, 'vertical')];
    if (!across && !down)
      context.fail(['horizontal'], 'it mirrors nothing', 'set `vertical: true`, or leave the layer out');
    // (1, 0) as it is; (−1, extent − 1) mirrored.
    const axis = (wanted: boolean, extent: number, purpose: string): readonly [Value | number, Value | number] => {
      if (!wanted) return [1, 0];
      const hit = m.hit(fields, purpose);
      return [m.where(hit, -1, 1), m.where(hit, extent - 1, 0)];
    };
    const points = (): Value => {
      const [x, fromX] = axis(across, w, 'horizontal');
      const [y, fromY] = axis(down, h, 'vertical');
      return mapOf(m, [x, 0, fromX, 0, y, fromY]);
    };
    return moved(context, images, inputs, {
      points: context.mode === 'train' ? points() : undefined,
      height: h,
      width: w,
      method: 'nearest',
    });
  },
});

export const randomCrop = defineLayer({
  type: 'random_crop',
  summary: 'Cuts images of one size out at random places; out of the middle in evaluation and prediction.',
  details: `Input [N, C, H, W], output [N, C, height, width]. With \`padding\` the images first get a border, in training alone: RandomCrop of torchvision, and of Keras without. ${MASK_NOTE} The middle is that of \`center_crop\`. Draws anew for each sample and training step, by the seed.`,
  example: '{name: cut, type: random_crop, size: 4, padding: 1}',
  fields: {
    size: pair('What is left.'),
    padding: {
      description: 'The border that images get first. One number, or `[height, width]`.',
      anyOf: [
        { type: 'integer', minimum: 0 },
        { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 2, maxItems: 2 },
      ],
      default: 0,
    },
    ...borderFields,
  },
  required: ['size'],
  arity: [1, 2],
  outputs: ['mask'],
  samples: [
    { inputs: [SAMPLE_IMAGE], fields: { size: 4, padding: 1 } },
    { inputs: [SAMPLE_IMAGE, SAMPLE_LABELS], fields: { size: [3, 5] } },
    { inputs: [SAMPLE_IMAGE], fields: { size: [5, 7], padding: [1, 2], border: 'reflect' } },
  ],
  lower(context, inputs) {
    const { fields } = context;
    const images = imagesOf(context, inputs[0]!);
    const { h, w } = images;
    const m = new Drawing(context, images.n, 2);
    const [height, width] = pairOf(fields, 'size');
    const [padY, padX] = pairOf(fields, 'padding');
    if (height > h + 2 * padY || width > w + 2 * padX) {
      context.fail(['size'], `${height}×${width} does not fit into ${h}×${w} with a border of ${padY} and ${padX}`);
    }
    if (padX === 0 && padY === 0) {
      for (const field of ['value', 'mask_value']) {
        if (fields[field] !== undefined) context.fail([field], 'it has no effect without `padding`');
      }
    }
    const train = context.mode === 'train';
    const start = (extent: number, size: number, padding: number, purpose: string): Value | number =>
      train ? m.sub(m.below(purpose, extent + 2 * padding - size + 1), padding) : Math.floor((extent - size) / 2);
    const points = mapOf(m, [1, 0, start(w, width, padX, 'left'), 0, 1, start(h, height, padY, 'top')]);
    return moved(context, images, inputs, { points, height, width, method: 'nearest' });
  },
});

export const randomResizedCrop = defineLayer({
  type: 'random_resized_crop',
  summary: 'Cuts out parts of random size and shape and resizes them to one size; resizes whole images elsewhere.',
  details: `Input [N, C, H, W], output [N, C, height, width]. RandomResizedCrop of torchvision: area drawn evenly, ratio of width to height evenly in its logarithm, ten attempts to find one that fits, else the largest in the middle (Szegedy et al. 2015). In evaluation and prediction the whole image is resized. Values between pixels are found without antialiasing, which torchvision has by default, and at the rim of a part its neighbours are seen. ${MASK_NOTE} Draws anew for each sample and training step, by the seed.`,
  example: '{name: cut, type: random_resized_crop, size: 4}',
  fields: {
    size: pair('What the parts are resized to.'),
    scale: pairOfNumbers(
      'The area of a part, as a share of that of the image.',
      { exclusiveMinimum: 0, maximum: 1 },
      [0.08, 1],
    ),
    ratio: pairOfNumbers('Width divided by height.', { exclusiveMinimum: 0 }, [0.75, 4 / 3]),
    method: methodField,
  },
  required: ['size'],
  arity: [1, 2],
  outputs: ['mask'],
  samples: [
    { inputs: [SAMPLE_IMAGE], fields: { size: 4 } },
    {
      inputs: [SAMPLE_IMAGE, SAMPLE_LABELS],
      fields: { size: [3, 4], scale: [0.5, 0.9], ratio: [1, 1], method: 'nearest' },
    },
    { name: 'nothing fits', inputs: [SAMPLE_IMAGE], fields: { size: 5, scale: [1, 1], ratio: [3, 4] } },
  ],
  lower(context, inputs) {
    const { fields } = context;
    const images = imagesOf(context, inputs[0]!);
    const m = new Drawing(context, images.n, 2);
    const [height, width] = pairOf(fields, 'size');
    const [scale, ratio] = (['scale', 'ratio'] as const).map((field) => {
      const [low = 0, high = 0] = numbersOf(fields, field);
      if (low > high) context.fail([field], `nothing lies between ${low} and ${high}`);
      return [low, high] as const;
    }) as [readonly [number, number], readonly [number, number]];
    const whole = { left: 0, top: 0, width: images.w, height: images.h };
    const part = context.mode === 'train' ? drawRegion(m, images, scale, ratio) : whole;
    const [stepX, stepY] = [m.mul(part.width, 1 / width), m.mul(part.height, 1 / height)];
    // Pixels as cells: place j of the output has its middle at (j + ½) steps.
    const from = (start: Value | number, step: Value): Value => m.add(start, m.sub(m.mul(step, 0.5), 0.5));
    const points = mapOf(m, [stepX, 0, from(part.left, stepX), 0, stepY, from(part.top, stepY)]);
    return moved(context, images, inputs, { points, height, width, method: wordOf(fields, 'method') });
  },
});
