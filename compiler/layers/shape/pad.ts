/** Borders around tensors: of one value, mirrored, repeated, or wrapped around. */
import type { Json } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import { isFloat } from '../../ir/types';
import { axesOf } from '../axis';
import { defineLayer, type LowerContext } from '../define';
import { axesField, isNumbers, numberOf, wordOf } from '../fields';
import type { Sides } from '../window';
import { mapAlong, taking } from './along';
import { tableOf } from '../table';

export type Border = 'reflect' | 'symmetric' | 'edge' | 'wrap';

/** Which element of an axis stands at a place that may lie beyond its ends. */
const AT: Readonly<Record<Border, (place: number, extent: number) => number>> = {
  reflect: (place, extent) => mirrored(place, extent - 1),
  symmetric: (place, extent) => (place < 0 ? -1 - place : place < extent ? place : 2 * extent - 1 - place),
  edge: (place, extent) => Math.min(extent - 1, Math.max(0, place)),
  wrap: (place, extent) => (place + extent) % extent,
};

/** How wide a border can be before it would need more elements than there are. */
const WIDEST: Readonly<Record<Border, (extent: number) => number>> = {
  reflect: (extent) => extent - 1,
  symmetric: (extent) => extent,
  edge: () => Infinity,
  wrap: (extent) => extent,
};

function mirrored(place: number, last: number): number {
  return place < 0 ? -place : place > last ? 2 * last - place : place;
}

/** The axes of the border: those given, or all from 2 on. */
function borderAxes(context: LowerContext, input: Value): readonly number[] {
  if (context.fields['axes'] !== undefined) return axesOf(context, input, 'axes', 1);
  const axes = input.type.shape.map((_, axis) => axis).slice(2);
  if (axes.length === 0) context.mismatch('shape', 'it has no spatial axes', 'name the axes in `axes`');
  return axes;
}

/** Both sides of each axis. Two numbers for one axis are its sides. */
function sidesOf(context: LowerContext, count: number): readonly Sides[] {
  const padding = context.fields['padding'];
  if (typeof padding === 'number') return tableOf(count, () => [padding, padding]);
  const list = (padding ?? []) as readonly Json[];
  if (count === 1 && list.length === 2 && isNumbers(list)) return [[list[0] ?? 0, list[1] ?? 0]];
  if (list.length !== count) {
    context.fail(['padding'], `${list.length} entries for ${count === 1 ? '1 axis' : `${count} axes`}`);
  }
  return list.map((item): Sides => {
    if (typeof item === 'number') return [item, item];
    return isNumbers(item) ? [item[0] ?? 0, item[1] ?? 0] : [0, 0];
  });
}

/** What a border of one value holds, as a number of the input's type. */
function valueOf(context: LowerContext, input: Value): number {
  const value = context.fields['value'] === undefined ? 0 : numberOf(context.fields, 'value');
  const { dtype } = input.type;
  const fits = isFloat(dtype) || (Number.isInteger(value) && (dtype !== 'bool' || value === 0 || value === 1));
  if (!fits) context.fail(['value'], `${value} is no value of ${dtype}`);
  return value;
}

/** Puts a border around one axis. */
export function bordered(context: LowerContext, input: Value, axis: number, [low, high]: Sides, mode: Border): Value {
  const extent = input.type.shape[axis] ?? 1;
  const widest = WIDEST[mode](extent);
  if (Math.max(low, high) > widest) {
    context.mismatch(
      'shape',
      `a border of ${Math.max(low, high)} along axis ${axis} with \`${mode}\` needs more than its ${extent} elements`,
    );
  }
  const indices = tableOf(low + extent + high, (i) => AT[mode](i - low, extent));
  return mapAlong(context.b, input, axis, taking(indices));
}

const extent = { type: 'integer', minimum: 0 } as const;

export const pad = defineLayer({
  type: 'pad',
  summary: 'Puts a border around each image, or around any axes.',
  details: [
    'Input [N, C, H, W], output [N, C, H + top + bottom, W + left + right]; sequences and volumes alike, and any axes but that of the batch with `axes`.',
    'Modes, for the row a b c: `constant` 0 0 a b c 0 0, with `value` instead of 0 (ZeroPadding of Keras, ConstantPad of PyTorch); `reflect` c b a b c b a (ReflectionPad); `symmetric` b a a b c c b (of NumPy and TensorFlow); `edge` a a a b c c c (ReplicationPad); `wrap` b c a b c a b (circular padding). A border that would need more elements than there are is an error, as in PyTorch.',
    "Entries of `padding` go with the axes in order; PyTorch's `pad` begins with the last axis.",
  ].join('\n\n'),
  example: '{name: border, type: pad, padding: [[0, 1], [0, 1]]}',
  fields: {
    padding: {
      description:
        'Width of the border: a number for all sides, or a list with an entry for each axis, a number or `[before, after]`: `[height, width]`, `[[top, bottom], [left, right]]`. For a single axis, `[before, after]` itself will do.',
      anyOf: [
        extent,
        {
          type: 'array',
          items: { anyOf: [extent, { type: 'array', items: extent, minItems: 2, maxItems: 2 }] },
          minItems: 1,
        },
      ],
    },
    mode: {
      description: 'What the border holds.',
      enum: ['constant', 'reflect', 'symmetric', 'edge', 'wrap'],
      default: 'constant',
    },
    value: { description: 'The value of a constant border. Default: 0.', type: 'number' },
    axes: axesField('Where the border goes; default: all axes from 2 on, which are those of images.'),
  },
  required: ['padding'],
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const axes = borderAxes(context, input);
    const sides = sidesOf(context, axes.length);
    const mode = wordOf(context.fields, 'mode');
    if (mode !== 'constant') {
      if (context.fields['value'] !== undefined) context.fail(['value'], `it has no effect with \`mode: ${mode}\``);
      return axes.reduce((x, axis, i) => bordered(context, x, axis, sides[i] ?? [0, 0], mode as Border), input);
    }
    const along = (side: 0 | 1): number[] => input.type.shape.map((_, axis) => sides[axes.indexOf(axis)]?.[side] ?? 0);
    return context.b.op('pad', [input], {
      low: along(0),
      high: along(1),
      interior: input.type.shape.map(() => 0),
      value: valueOf(context, input),
    });
  },
  samples: [
    {
      inputs: [{ shape: ['N', 2, 3, 5] }],
      fields: {
        padding: [
          [0, 1],
          [0, 1],
        ],
      },
    },
    { inputs: [{ shape: ['N', 2, 5] }], fields: { padding: [2, 1], value: -0.5 } },
    { inputs: [{ shape: ['N', 1, 3, 5] }], fields: { padding: [2, [1, 3]], mode: 'reflect' } },
    { inputs: [{ shape: ['N', 1, 2, 3, 2] }], fields: { padding: 1, mode: 'edge' } },
    { inputs: [{ shape: ['N', 3] }], fields: { padding: [3, 2], mode: 'symmetric', axes: 1 } },
    { inputs: [{ shape: ['N', 3, 2] }], fields: { padding: [1, [0, 2]], mode: 'wrap', axes: [-1, 1] } },
    { inputs: [{ shape: ['N', 1, 3], dtype: 'int32' }], fields: { padding: 2, mode: 'reflect' } },
    { inputs: [{ shape: ['N', 1, 3], dtype: 'bool' }], fields: { padding: 1, value: 1 } },
  ],
});
