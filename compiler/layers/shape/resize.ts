/** Images, sequences and volumes of another size, by interpolation. */
import type { FieldSchema } from '../../frontend/describe';
import type { Json } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import { defineLayer, type LayerDef, type LowerContext } from '../define';
import { flag, flagOf, isNumbers, numberOf, wordOf } from '../fields';
import { SPATIAL, type Rank } from '../window';
import { mapAlong } from './along';
import { interpolationRows, type Axis, type Corners, type Interpolation, type Method } from './interpolation';

/** The words for each method; those with a number of axes in them are for that number alone. */
const METHODS: Readonly<Record<string, { readonly method: Method; readonly rank?: Rank }>> = {
  nearest: { method: 'nearest' },
  linear: { method: 'linear' },
  bilinear: { method: 'linear', rank: 2 },
  trilinear: { method: 'linear', rank: 3 },
  cubic: { method: 'cubic' },
  bicubic: { method: 'cubic', rank: 2 },
  area: { method: 'area' },
};

const CORNERS: FieldSchema = {
  description:
    'Where the new elements lie: `half_pixel` (i + ½) · n / size − ½, `align` i · (n − 1) / (size − 1), so that first and last coincide (`align_corners`), `asymmetric` i · n / size. Default: half_pixel. Not for `area`.',
  enum: ['half_pixel', 'align', 'asymmetric'],
};

const CUBIC_FIELDS: Readonly<Record<string, FieldSchema>> = {
  cubic: {
    description:
      'The coefficient a of the cubic kernel. Default: −0.75 (PyTorch, OpenCV, Caffe), with `antialias` −0.5 (PyTorch, Pillow); Keras and TensorFlow have −0.5 always.',
    type: 'number',
  },
  edges: {
    description:
      'What the cubic kernel finds beyond the ends: `repeat`, the last element again (PyTorch), or `renormalize`, nothing, the others weighing more (Keras, TensorFlow). Default: repeat. With `antialias` it is always renormalized.',
    enum: ['repeat', 'renormalize'],
  },
};

/** One number for all spatial axes, or one for each. */
function each(description: string, one: Json, lists: readonly [least: number, most: number]): FieldSchema {
  return {
    description: `${description} One number, or one for each spatial axis.`,
    anyOf: [one, { type: 'array', items: one, minItems: lists[0], maxItems: lists[1] }],
  };
}

function listOf(context: LowerContext, field: string, rank: number): readonly number[] {
  const value = context.fields[field];
  if (!isNumbers(value)) return Array.from({ length: rank }, () => numberOf(context.fields, field));
  if (value.length !== rank) context.fail([field], `${value.length} numbers for ${rank} spatial axes`);
  return value;
}

/** How the fields say to interpolate over so many axes; a field that would have no effect is refused. */
function interpolationOf(context: LowerContext, rank: number): Interpolation {
  const { fields } = context;
  const word = wordOf(fields, 'method');
  const { method = 'nearest', rank: only } = METHODS[word] ?? {};
  if (only !== undefined && only !== rank) {
    context.fail(
      ['method'],
      `${word} is for ${SPATIAL[only].noun}s with ${only} axes, not ${rank}`,
      `use \`${method}\``,
    );
  }
  const antialias = fields['antialias'] !== undefined && flagOf(fields, 'antialias');
  const without = (field: string, problem: string): void => {
    if (fields[field] !== undefined) context.fail([field], `it has no effect ${problem}`);
  };
  if (method === 'area') without('corners', 'on `area`, which averages over whole parts');
  if (method !== 'cubic') ['cubic', 'edges'].forEach((field) => without(field, 'unless the method is cubic'));
  if (antialias) {
    if (method !== 'linear' && method !== 'cubic') context.fail(['antialias'], `it has no effect on \`${word}\``);
    const { corners } = fields;
    if (corners !== undefined && corners !== 'half_pixel') {
      context.fail(['antialias'], 'it goes with `corners: half_pixel` alone');
    }
    without('edges', 'with `antialias`');
  }
  return {
    method,
    corners: (fields['corners'] ?? 'half_pixel') as Corners,
    antialias,
    cubic: fields['cubic'] === undefined ? (antialias ? -0.5 : -0.75) : numberOf(fields, 'cubic'),
    edges: (fields['edges'] ?? 'repeat') as Interpolation['edges'],
  };
}

/** Resizes axis by axis, those first that shrink most. */
function resizeAxes(context: LowerContext, input: Value, axes: readonly Axis[]): Value {
  const { dtype } = input.type;
  const how = interpolationOf(context, axes.length);
  if (dtype !== 'f32' && how.method !== 'nearest') {
    context.mismatch('dtype', 'it interpolates float32; other elements can be resized by `method: nearest`');
  }
  const order = axes.map((axis, i) => ({ axis, at: i + 2 }));
  order.sort((a, b) => a.axis.size / a.axis.extent - b.axis.size / b.axis.extent);
  return order.reduce((x, { axis, at }) => mapAlong(context.b, x, at, interpolationRows(axis, how)), input);
}

function scaled(context: LowerContext, extent: number, scale: number, path: string): Axis {
  const size = Math.floor(extent * scale);
  if (size < 1) context.fail([path], `${extent} elements times ${scale} leave none`);
  return { extent, size, step: 1 / scale };
}

const POSITIVE = { type: 'integer', minimum: 1 } as const;

export const resize = defineLayer({
  type: 'resize',
  summary: 'Resizes images, sequences or volumes by interpolation.',
  details: [
    'Input [N, C, …] with one to three spatial axes; each is interpolated on its own. Either `size`, or `scale`: ⌊n · scale⌋ elements, one apart by 1 / scale, as in PyTorch unless `recompute_scale_factor` is set.',
    "Methods: `nearest` takes the element at the place rounded down after `corners: asymmetric` (PyTorch's `nearest`, Darknet), the cell that it lies in with `half_pixel` (PyTorch's `nearest-exact`, Keras, TensorFlow 2), or the nearest with `align` (TensorFlow 1); it takes elements of any type. `linear` (`bilinear` on images, `trilinear` on volumes) and `cubic` (`bicubic` on images) look at 2 or 4 neighbours. `area` averages over parts, as adaptive pooling does. `antialias` widens the kernel where the size shrinks, so that every element counts (PyTorch, Keras, Pillow); elsewhere it changes nothing.",
    "`corners: align` is `align_corners: true` of PyTorch and Caffe's Interp; `half_pixel` is the default of PyTorch (but for `nearest`) and of Keras. Bicubic of Keras is `cubic: -0.5, edges: renormalize`, up to a table of 1024 steps that TensorFlow looks the kernel up in.",
  ].join('\n\n'),
  example: '{name: larger, type: resize, size: [24, 24], method: bilinear}',
  fields: {
    size: each('New extents.', POSITIVE, [1, 3]),
    scale: each('New extents as multiples of the old ones.', { type: 'number', exclusiveMinimum: 0 }, [1, 3]),
    method: { description: 'How to interpolate.', enum: Object.keys(METHODS), default: 'linear' },
    corners: CORNERS,
    antialias: flag('Counts every element where the size shrinks; for `linear` and `cubic`.', false),
    ...CUBIC_FIELDS,
  },
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const extents = input.type.shape.slice(2);
    const rank = extents.length;
    if (rank < 1 || rank > 3) context.mismatch('shape', 'it resizes [N, C, …] with one to three spatial axes');
    const { fields } = context;
    if ((fields['size'] === undefined) === (fields['scale'] === undefined)) {
      context.fail(fields['size'] === undefined ? [] : ['scale'], 'it needs either `size` or `scale`');
    }
    if (fields['scale'] !== undefined) {
      const scales = listOf(context, 'scale', rank);
      return resizeAxes(
        context,
        input,
        extents.map((extent, i) => scaled(context, extent, scales[i] ?? 1, 'scale')),
      );
    }
    const sizes = listOf(context, 'size', rank);
    return resizeAxes(
      context,
      input,
      extents.map((extent, i) => ({ extent, size: sizes[i] ?? 1, step: extent / (sizes[i] ?? 1) })),
    );
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 5, 7] }], fields: { size: [24, 24], method: 'bilinear' } },
    { inputs: [{ shape: ['N', 2, 5, 7] }], fields: { size: [7, 3], method: 'bilinear', corners: 'align' } },
    { inputs: [{ shape: ['N', 2, 5, 7] }], fields: { size: [3, 9], method: 'bicubic' } },
    { inputs: [{ shape: ['N', 1, 7] }], fields: { size: 3, method: 'cubic', edges: 'renormalize', cubic: -0.5 } },
    { inputs: [{ shape: ['N', 1, 7, 9] }], fields: { size: [3, 5], method: 'cubic', antialias: true } },
    { inputs: [{ shape: ['N', 1, 11] }], fields: { size: 4, antialias: true } },
    { inputs: [{ shape: ['N', 2, 3, 5] }], fields: { scale: [2, 1.5], method: 'nearest', corners: 'asymmetric' } },
    { inputs: [{ shape: ['N', 2, 5] }], fields: { scale: 0.7, method: 'nearest', corners: 'align' } },
    { inputs: [{ shape: ['N', 3, 5, 3], dtype: 'int32' }], fields: { size: [5, 7], method: 'nearest' } },
    { inputs: [{ shape: ['N', 1, 3, 5, 4] }], fields: { size: [2, 3, 7], method: 'area' } },
    { inputs: [{ shape: ['N', 1, 3, 2, 3] }], fields: { scale: 1.7, method: 'trilinear', corners: 'asymmetric' } },
  ],
});

/** Whole multiples; the methods that make sense for them. */
function defineUpsample(rank: Rank, linear: string, cubic: string, samples: LayerDef['samples']): LayerDef {
  const { layout } = SPATIAL[rank];
  const names = [...new Set([linear, 'linear'])].map((word) => `\`${word}\``).join(' or ');
  return defineLayer({
    type: `upsample${rank}d`,
    summary: `Makes ${SPATIAL[rank].noun}s larger by whole factors.`,
    details: `Input ${layout}. \`UpSampling${rank}D\` of Keras with its \`interpolation\`, \`Upsample\` of PyTorch with \`scale_factor\`. \`nearest\` repeats elements; ${names} interpolates as \`resize\` does, with \`corners: align\` for \`align_corners\`.`,
    example: `{name: up, type: upsample${rank}d, scale: 2}`,
    fields: {
      scale: {
        description: rank === 1 ? 'The factor.' : `The factors: one number, or \`${SPATIAL[rank].axes}\`.`,
        ...(rank === 1
          ? POSITIVE
          : { anyOf: [POSITIVE, { type: 'array', items: POSITIVE, minItems: rank, maxItems: rank }] }),
      },
      method: {
        description: 'How to interpolate.',
        enum: [...new Set(['nearest', 'linear', linear, 'cubic', cubic])],
        default: 'nearest',
      },
      corners: CORNERS,
      ...CUBIC_FIELDS,
    },
    required: ['scale'],
    arity: [1, 1],
    lower(context, inputs) {
      const input = inputs[0]!;
      const extents = input.type.shape.slice(2);
      if (extents.length !== rank) {
        context.mismatch('shape', `it works on ${SPATIAL[rank].noun}s of shape ${SPATIAL[rank].layout}`);
      }
      const scales = listOf(context, 'scale', rank);
      return resizeAxes(
        context,
        input,
        extents.map((extent, i) => scaled(context, extent, scales[i] ?? 1, 'scale')),
      );
    },
    ...(samples && { samples }),
  });
}

export const upsample1d = defineUpsample(1, 'linear', 'cubic', [
  { inputs: [{ shape: ['N', 2, 5] }], fields: { scale: 2 } },
  { inputs: [{ shape: ['N', 2, 5] }], fields: { scale: 3, method: 'linear', corners: 'align' } },
]);

export const upsample2d = defineUpsample(2, 'bilinear', 'bicubic', [
  { inputs: [{ shape: ['N', 2, 3, 5] }], fields: { scale: 2 } },
  { inputs: [{ shape: ['N', 2, 3, 5] }], fields: { scale: [2, 3], method: 'bilinear' } },
  { inputs: [{ shape: ['N', 1, 3, 5] }], fields: { scale: 2, method: 'bicubic', edges: 'renormalize' } },
]);

export const upsample3d = defineUpsample(3, 'trilinear', 'cubic', [
  { inputs: [{ shape: ['N', 2, 2, 3, 2] }], fields: { scale: 2 } },
  { inputs: [{ shape: ['N', 1, 2, 3, 2] }], fields: { scale: [1, 2, 3], method: 'trilinear', corners: 'asymmetric' } },
]);
