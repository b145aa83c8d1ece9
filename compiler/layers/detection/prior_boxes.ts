/** The boxes that a detector starts from, at every place of a feature map: those of SSD, and those of RetinaNet and YOLO. */
import type { FieldSchema } from '../../frontend/describe';
import type { Json } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import { defineLayer, type LowerContext } from '../define';
import { flag, flagOf, isNumbers, numberOf, numbersOf } from '../fields';
import { requireImages } from '../window';
import { fourNumbers, SSD_VARIANCES } from './boxes';

/** Constants are part of the plan: more numbers than these are a mistake. */
const MOST = 4_000_000;

const size = { type: 'number', exclusiveMinimum: 0 } as const;
const sizes = { type: 'array', items: size, minItems: 1 } as const;

const stepField = (name: string): FieldSchema => ({
  description: `Pixels from one ${name} to the next: one number, or \`[height, width]\`. Default: the image's extent over the feature map's.`,
  anyOf: [size, { type: 'array', items: size, minItems: 2, maxItems: 2 }],
});

const offsetField = (more: string): FieldSchema => ({
  description: `Where in its cell a box has its centre, in parts of the cell. ${more}`,
  type: 'number',
  minimum: 0,
  maximum: 1,
  default: 0.5,
});

/** The places of a feature map: where cells lie in the image, all in pixels. */
interface Cells {
  readonly height: number;
  readonly width: number;
  readonly image: readonly [height: number, width: number];
  readonly step: readonly [down: number, across: number];
  readonly offset: number;
}

function cellsOf(context: LowerContext, inputs: readonly Value[], field: string): Cells {
  const [, , height, width] = requireImages(context, inputs[0]!);
  const [, , high, wide] = requireImages(context, inputs[1]!);
  const given = context.fields[field];
  const step: readonly number[] =
    typeof given === 'number' ? [given, given] : isNumbers(given) ? given : [high / height, wide / width];
  return {
    height,
    width,
    image: [high, wide],
    step: [step[0] ?? 1, step[1] ?? 1],
    offset: numberOf(context.fields, 'offset'),
  };
}

/** [x1, y1, x2, y2] of pixels around each centre, in parts of the image: place after place, row by row. */
function around(cells: Cells, boxes: readonly (readonly number[])[], clip: boolean): number[] {
  const { height, width, image, step, offset } = cells;
  const values: number[] = [];
  for (let row = 0; row < height; row++) {
    const y = (row + offset) * step[0];
    for (let column = 0; column < width; column++) {
      const x = (column + offset) * step[1];
      for (const box of boxes) {
        const pixels = [x + (box[0] ?? 0), y + (box[1] ?? 0), x + (box[2] ?? 0), y + (box[3] ?? 0)];
        pixels.forEach((pixel, k) => {
          const part = pixel / (k % 2 === 0 ? image[1] : image[0]);
          values.push(clip ? Math.min(1, Math.max(0, part)) : part);
        });
      }
    }
  }
  return values;
}

const centered = (width: number, height: number): readonly number[] => [-width / 2, -height / 2, width / 2, height / 2];

function constantBoxes(context: LowerContext, values: readonly number[]): Value {
  return context.b.constant(values, [values.length / 4, 4]);
}

function requireFew(context: LowerContext, cells: Cells, each: number): void {
  const count = cells.height * cells.width * each;
  if (4 * count > MOST) context.fail([], `it would make ${count.toLocaleString('en-US')} boxes`, 'use a smaller image');
}

export const priorBoxes = defineLayer({
  type: 'prior_boxes',
  summary: 'The default boxes of SSD: some shapes around every place of a feature map.',
  details: [
    'Inputs: a feature map [N, C, h, w] and the image [N, C, H, W], of which only the extents matter. Outputs: constants [P, 4] as [x1, y1, x2, y2] in parts of the image, and `variances` [P, 4]. P is h · w · the number of shapes; place after place, row by row.',
    "The shapes of a place, in order (Liu et al. 2016): for each of `min_sizes`, a square of that size; if there are `max_sizes`, a square of √(min · max); then for each of `aspect_ratios` a, and 1/a if `flip`, a box of min · √a by min / √a. That is Caffe's PriorBox with its order and its pixels; torchvision's DefaultBoxGenerator has the same order and sizes in parts of the image. Keras has none.",
  ].join('\n\n'),
  example:
    '{name: priors4, type: prior_boxes, inputs: [norm4, image], min_sizes: [30], max_sizes: [60], aspect_ratios: [2], step: 8}',
  fields: {
    min_sizes: { description: 'Extents of squares, in pixels of the image.', ...sizes },
    max_sizes: { description: 'With which they are averaged (√(min · max)): one for each, and larger.', ...sizes },
    aspect_ratios: { description: 'Width over height of further boxes. 1 is always there.', ...sizes },
    flip: {
      description: 'Each aspect ratio lying and standing. Default: true. For `aspect_ratios` alone.',
      type: 'boolean',
    },
    clip: flag('Boxes end where the image does.', false),
    step: stepField('place'),
    offset: offsetField('All systems have ½.'),
    variances: {
      description: 'The four numbers of every row of `variances`, or one for all four.',
      anyOf: [size, { type: 'array', items: size, minItems: 4, maxItems: 4 }],
      default: SSD_VARIANCES,
    },
  },
  required: ['min_sizes'],
  arity: [2, 2],
  outputs: ['variances'],
  lower(context, inputs) {
    const { b, fields } = context;
    const cells = cellsOf(context, inputs, 'step');
    const shapes = ssdShapes(context);
    requireFew(context, cells, shapes.length);
    const priors = constantBoxes(context, around(cells, shapes, flagOf(fields, 'clip')));
    const variances = b.op('broadcast_to', [b.constant(fourNumbers(fields['variances']), [4])], {
      shape: priors.type.shape,
    });
    return [priors, variances];
  },
  samples: [
    {
      inputs: [{ shape: ['N', 2, 3, 5] }, { shape: ['N', 3, 24, 40] }],
      fields: { min_sizes: [3, 7], max_sizes: [5, 11], aspect_ratios: [2, 3], variances: 0.5 },
    },
    {
      name: 'clipped, with steps',
      inputs: [{ shape: ['N', 1, 2, 2] }, { shape: ['N', 3, 24, 40] }],
      fields: { min_sizes: [9], aspect_ratios: [2], flip: false, clip: true, step: [12, 20], offset: 0.25 },
    },
  ],
});

function ssdShapes(context: LowerContext): readonly (readonly number[])[] {
  const { fields } = context;
  const least = numbersOf(fields, 'min_sizes');
  const most = isNumbers(fields['max_sizes']) ? fields['max_sizes'] : [];
  const ratios = isNumbers(fields['aspect_ratios']) ? fields['aspect_ratios'] : [];
  if (most.length > 0 && most.length !== least.length) {
    context.fail(['max_sizes'], `${most.length} sizes for the ${least.length} of \`min_sizes\``);
  }
  most.forEach((extent, i) => {
    if (extent <= (least[i] ?? 0)) context.fail(['max_sizes', i], `${extent} is not above ${least[i]}`);
  });
  const one = ratios.indexOf(1);
  if (one >= 0) context.fail(['aspect_ratios', one], 'a ratio of 1 is there already');
  if (ratios.length === 0 && fields['flip'] !== undefined) {
    context.fail(['flip'], 'there are no aspect ratios to flip');
  }
  const isFlipped = fields['flip'] !== false;
  const all = ratios.flatMap((ratio) => (isFlipped ? [ratio, 1 / ratio] : [ratio]));
  return least.flatMap((extent, i) => {
    const mean = most[i] === undefined ? [] : [Math.sqrt(extent * most[i])];
    const squares = [extent, ...mean].map((side) => centered(side, side));
    return [...squares, ...all.map((ratio) => centered(extent * Math.sqrt(ratio), extent / Math.sqrt(ratio)))];
  });
}

export const anchors = defineLayer({
  type: 'anchors',
  summary: 'Anchor boxes at every place of a feature map: sizes and ratios (RetinaNet, Faster R-CNN), or given (YOLO).',
  details: [
    'Inputs: a feature map [N, C, h, w] and the image [N, C, H, W], of which only the extents matter. Outputs: constants [P, 4] as [x1, y1, x2, y2] in parts of the image, and `cells` [P, 4], the cell of the map that each belongs to, for `decode_boxes` with `coding: yolo`. P is h · w · the number of shapes; place after place, row by row.',
    "The shapes are those of `boxes`, or for each of `ratios` r (height over width) and each of `sizes` s times each of `scales`, a box of s/√r by s·√r (Lin et al. 2017: sizes 32 … 512, one for each map, and scales 1, 2^⅓, 2^⅔). torchvision's AnchorGenerator has its centres at the corners of the cells and whole numbers: `offset: 0, round: true`.",
  ].join('\n\n'),
  example:
    '{name: anchors3, type: anchors, inputs: [p3, image], sizes: [32], scales: [1, 1.26, 1.587], ratios: [0.5, 1, 2]}',
  fields: {
    sizes: { description: 'Sides of a square of the same area, in pixels of the image.', ...sizes },
    ratios: { description: 'Height over width. Default: [1]. With `sizes`.', ...sizes },
    scales: { description: 'Factors on each size. Default: [1]. With `sizes`.', ...sizes },
    boxes: {
      description: 'The shapes themselves, `[width, height]` in pixels, in place of sizes.',
      type: 'array',
      items: { type: 'array', items: size, minItems: 2, maxItems: 2 },
      minItems: 1,
    },
    stride: stepField('cell'),
    offset: offsetField('torchvision has 0, YOLO and Detectron2 by its option ½.'),
    round: flag('Rounds the sides of the shapes to whole pixels, halves to even.', false),
    clip: flag('Boxes end where the image does.', false),
  },
  arity: [2, 2],
  outputs: ['cells'],
  lower(context, inputs) {
    const { fields } = context;
    const cells = cellsOf(context, inputs, 'stride');
    const given = anchorShapes(context);
    const shapes = flagOf(fields, 'round') ? given.map((box) => box.map(roundEven)) : given;
    requireFew(context, cells, shapes.length);
    const corner = { ...cells, offset: 0 };
    const cell = shapes.map(() => [0, 0, cells.step[1], cells.step[0]]);
    return [
      constantBoxes(context, around(cells, shapes, flagOf(fields, 'clip'))),
      constantBoxes(context, around(corner, cell, false)),
    ];
  },
  samples: [
    {
      inputs: [{ shape: ['N', 2, 3, 5] }, { shape: ['N', 3, 24, 40] }],
      fields: { sizes: [8], scales: [1, 1.26], ratios: [0.5, 1, 2], offset: 0, round: true },
    },
    {
      name: 'given boxes',
      inputs: [{ shape: ['N', 2, 2, 3] }, { shape: ['N', 3, 16, 24] }],
      fields: {
        boxes: [
          [10, 13],
          [3, 5],
        ],
        stride: 8,
        clip: true,
      },
    },
  ],
});

function roundEven(x: number): number {
  const whole = Math.round(x);
  return Math.abs(x % 1) === 0.5 && whole % 2 !== 0 ? whole - 1 : whole;
}

function anchorShapes(context: LowerContext): readonly (readonly number[])[] {
  const { fields } = context;
  const { boxes } = fields;
  if ((boxes === undefined) === (fields['sizes'] === undefined)) {
    context.fail(boxes === undefined ? [] : ['boxes'], 'it needs `sizes` or `boxes`, one of the two');
  }
  if (Array.isArray(boxes)) {
    for (const field of ['ratios', 'scales']) {
      if (fields[field] !== undefined) context.fail([field], 'it has no effect on `boxes`');
    }
    return boxes.map((box: Json) => (isNumbers(box) ? centered(box[0] ?? 0, box[1] ?? 0) : []));
  }
  const ratios = isNumbers(fields['ratios']) ? fields['ratios'] : [1];
  const scales = isNumbers(fields['scales']) ? fields['scales'] : [1];
  const extents = numbersOf(fields, 'sizes').flatMap((extent) => scales.map((scale) => extent * scale));
  return ratios.flatMap((ratio) =>
    extents.map((extent) => centered(extent / Math.sqrt(ratio), extent * Math.sqrt(ratio))),
  );
}
