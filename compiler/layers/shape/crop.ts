/** Cuts borders off the last axes: by how much is given, or by a size, or by another tensor's. */
import type { FieldSchema } from '../../frontend/describe';
import type { Json } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import { axisOf } from '../axis';
import { defineLayer, type LayerDef, type LowerContext } from '../define';
import { axisField, isNumbers, numberOf } from '../fields';
import { sliceAlong } from './pieces';

type Sides = readonly (readonly [number, number])[];

const SIDE_NAMES = [
  ['start', 'end'],
  ['top', 'bottom'],
  ['left', 'right'],
] as const;
const AXIS_NAMES = ['depth', 'height', 'width'] as const;

function croppingField(rank: number): FieldSchema {
  const extent = { type: 'integer', minimum: 0 } as const;
  const pair = { type: 'array', items: extent, minItems: 2, maxItems: 2 } as const;
  if (rank === 1) {
    return {
      description: 'How much is cut off: a number for both ends, or `[start, end]`.',
      anyOf: [extent, pair],
    };
  }
  const names = AXIS_NAMES.slice(3 - rank).join(', ');
  const sides = SIDE_NAMES.slice(3 - rank).map((ends) => `[${ends.join(', ')}]`);
  return {
    description: `How much is cut off: a number for every side, \`[${names}]\` for both sides of each axis, or \`[${sides.join(', ')}]\`.`,
    anyOf: [
      extent,
      { type: 'array', items: extent, minItems: rank, maxItems: rank },
      { type: 'array', items: pair, minItems: rank, maxItems: rank },
    ],
  };
}

function sidesOf(value: Json | undefined, rank: number): Sides {
  if (typeof value === 'number') return Array.from({ length: rank }, () => [value, value]);
  if (!Array.isArray(value)) return [];
  const list = value as readonly Json[];
  if (rank === 1 && isNumbers(list)) return [[list[0] ?? 0, list[1] ?? 0]];
  return list.map((item) => {
    if (typeof item === 'number') return [item, item];
    return isNumbers(item) ? [item[0] ?? 0, item[1] ?? 0] : [0, 0];
  });
}

function cropFrom(context: LowerContext, input: Value, first: number, sides: Sides): Value {
  const { shape } = input.type;
  return sides.reduce((x, [low, high], i) => {
    const axis = first + i;
    const extent = shape[axis] ?? 1;
    if (low + high >= extent) {
      context.mismatch('shape', `cutting ${low} + ${high} off axis ${axis}, of extent ${extent}, leaves nothing`);
    }
    return sliceAlong(context.b, x, axis, low, extent - high);
  }, input);
}

function defineCrop(rank: number, keras: string, fields: LayerDef['samples']): LayerDef {
  const axes = ['D', 'H', 'W'].slice(3 - rank).join(', ');
  const word = rank === 1 ? 'T' : axes;
  return defineLayer({
    type: `crop${rank}d`,
    summary: `Cuts borders off ${rank === 1 ? 'one axis' : `${rank} axes`}.`,
    details: `Input [N, C, ${word}]. ${keras}`,
    example: `{name: inner, type: crop${rank}d, cropping: 1}`,
    fields: {
      cropping: croppingField(rank),
      axis: axisField(rank === 1 ? 'The axis to crop.' : 'The first of the axes to crop.', 2),
    },
    required: ['cropping'],
    arity: [1, 1],
    lower(context, inputs) {
      const input = inputs[0]!;
      const first = axisOf(context, input);
      if (first + rank > input.type.shape.length) {
        context.mismatch('shape', `it crops ${rank} axes from axis ${first} on`);
      }
      return cropFrom(context, input, first, sidesOf(context.fields['cropping'], rank));
    },
    ...(fields === undefined ? {} : { samples: fields }),
  });
}

export const crop1d = defineCrop(1, 'Cropping1D of Keras crops the time axis of [N, T, C]: `axis: 1` here.', [
  { inputs: [{ shape: ['N', 2, 5] }], fields: { cropping: 1 } },
  { name: 'sequences', inputs: [{ shape: ['N', 5, 3] }], fields: { cropping: [0, 2], axis: 1 } },
]);

export const crop2d = defineCrop(2, 'Cropping2D of Keras; channels come first here.', [
  { inputs: [{ shape: ['N', 2, 5, 7] }], fields: { cropping: 1 } },
  { inputs: [{ shape: ['N', 1, 5, 4] }], fields: { cropping: [2, 0] } },
  {
    inputs: [{ shape: ['N', 5, 4, 2] }],
    fields: {
      cropping: [
        [0, 1],
        [2, 1],
      ],
      axis: 1,
    },
  },
]);

export const crop3d = defineCrop(3, 'Cropping3D of Keras; channels come first here.', [
  { inputs: [{ shape: ['N', 1, 3, 5, 4] }], fields: { cropping: 1 } },
  {
    inputs: [{ shape: ['N', 2, 3, 3, 2] }],
    fields: {
      cropping: [
        [1, 0],
        [0, 2],
        [0, 0],
      ],
    },
  },
]);

export const cropLike = defineLayer({
  type: 'crop_like',
  summary: 'Cuts the first input to the extents of the second one, from `axis` on.',
  details:
    "Crop of Caffe, with its default axis 2: all spatial axes of images [N, C, H, W]. Only the second input's shape counts: nothing flows through it. The axes before `axis` may differ.",
  example: '{name: aligned, type: crop_like, inputs: [score, image], offset: 2}',
  fields: {
    axis: axisField('The first axis that is cut.', 2),
    offset: {
      description: 'Where the cut begins: one number for all axes, or one for each.',
      anyOf: [
        { type: 'integer', minimum: 0 },
        { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 },
      ],
      default: 0,
    },
  },
  arity: [2, 2],
  lower(context, inputs) {
    const [input, like] = [inputs[0]!, inputs[1]!];
    const { shape } = input.type;
    const axis = axisOf(context, input);
    if (like.type.shape.length !== shape.length) {
      context.mismatch('shape', 'the inputs have different numbers of axes');
    }
    const offset = context.fields['offset'];
    const rank = shape.length - axis;
    const offsets = isNumbers(offset) ? offset : Array.from({ length: rank }, () => numberOf(context.fields, 'offset'));
    if (offsets.length !== rank) {
      context.fail(['offset'], `${offsets.length} numbers for the ${rank} axes from axis ${axis} on`);
    }
    return offsets.reduce((x, start, i) => {
      const size = like.type.shape[axis + i] ?? 1;
      if (start + size > (shape[axis + i] ?? 1)) {
        context.mismatch('shape', `${size} elements from ${start} on reach beyond axis ${axis + i} of the first input`);
      }
      return sliceAlong(context.b, x, axis + i, start, start + size);
    }, input);
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 7, 5] }, { shape: ['N', 3, 4, 3] }], fields: { offset: 2 }, wrt: [0] },
    { inputs: [{ shape: ['N', 3, 5] }, { shape: ['N', 2, 5] }], fields: { axis: 1, offset: [1, 0] }, wrt: [0] },
    { name: 'negative axis', inputs: [{ shape: ['N', 5] }, { shape: ['N', 3] }], fields: { axis: -1 }, wrt: [0] },
  ],
});

export const centerCrop = defineLayer({
  type: 'center_crop',
  summary: 'Cuts the middle out of images.',
  details:
    "Input [N, C, H, W], output [N, C, height, width]. Where the border is odd, the smaller part is cut off at the top and left: CenterCrop of Keras. torchvision rounds a half to the even number, which for borders of 3, 7, 11, … begins one pixel later, and fills up images that are too small; here that is an error. `crop_size` of Caffe's transformations in its test phase is the same crop.",
  example: '{name: middle, type: center_crop, size: 12}',
  fields: {
    size: {
      description: 'What is left: one number, or `[height, width]`.',
      anyOf: [
        { type: 'integer', minimum: 1 },
        { type: 'array', items: { type: 'integer', minimum: 1 }, minItems: 2, maxItems: 2 },
      ],
    },
    axis: axisField('The axis of the height; that of the width follows.', 2),
  },
  required: ['size'],
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const first = axisOf(context, input);
    const { shape } = input.type;
    if (first + 2 > shape.length) context.mismatch('shape', `it crops two axes from axis ${first} on`);
    const size = sidesOf(context.fields['size'], 2).map(([extent]) => extent);
    const sides = size.map((extent, i): readonly [number, number] => {
      const border = (shape[first + i] ?? 1) - extent;
      if (border < 0) context.fail(['size'], `${extent} is more than axis ${first + i} has, ${shape[first + i]}`);
      return [Math.floor(border / 2), Math.ceil(border / 2)];
    });
    return cropFrom(context, input, first, sides);
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 16, 15] }], fields: { size: 12 } },
    { inputs: [{ shape: ['N', 5, 7, 3] }], fields: { size: [2, 7], axis: 1 } },
  ],
});
