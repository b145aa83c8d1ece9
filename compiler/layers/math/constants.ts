/** Layers without inputs: constants, ranges of numbers, and a learned tensor. */
import { DTYPE_WORDS } from '../../frontend/language';
import type { FieldSchema } from '../../frontend/describe';
import type { DType } from '../../ir/types';
import { elementCount } from '../../ir/types';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { isNumbers, numberOf, wordOf } from '../fields';
import { initField, weightInit } from '../initial';
import { extentsField, extentsOf } from '../shape/extents';

/** Constants are part of the plan: more numbers than these belong into a file. */
const MOST = 1_000_000;

const dtypeField = (byDefault: string): FieldSchema => ({
  description: 'Type of the elements.',
  enum: ['float32', 'int32', 'int64', 'uint8', 'bool'],
  default: byDefault,
});

function dtypeOf(context: LowerContext): DType {
  return DTYPE_WORDS[wordOf(context.fields, 'dtype')] ?? 'f32';
}

const LIMITS: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  i32: [-(2 ** 31), 2 ** 31 - 1],
  i64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  u8: [0, 255],
  bool: [0, 1],
};

/** Refuses numbers that the type cannot hold. */
function requireHeld(context: LowerContext, path: readonly (string | number)[], value: number, dtype: DType): void {
  const [least, most] = LIMITS[dtype] ?? [-Infinity, Infinity];
  if (dtype === 'f32' || (Number.isInteger(value) && value >= least && value <= most)) return;
  context.fail(path, `${value} is no value of type ${wordOf(context.fields, 'dtype')}`);
}

export const constant = defineLayer({
  type: 'constant',
  summary: 'A tensor of fixed numbers.',
  details:
    'It takes no input. `value` fills the whole `shape`; `values` lists the elements, the last axis fastest. The shape may name symbols of the inputs such as `N`; without it `values` make a tensor of one axis.',
  example: '{name: zeros, type: constant, shape: [N, 16], value: 0}',
  fields: {
    shape: extentsField('Extents: numbers, symbols of the inputs such as `N`.'),
    value: { description: 'The one number that all elements are.', type: 'number' },
    values: { description: 'All elements in order.', type: 'array', items: { type: 'number' }, minItems: 1 },
    dtype: dtypeField('float32'),
  },
  samples: [
    { inputs: [], fields: { shape: ['N', 16], value: 0 } },
    { inputs: [], fields: { values: [1, 2.5, -3] } },
    { inputs: [], fields: { shape: [2, 3], values: [1, 2, 3, 4, 5, 6], dtype: 'int32' } },
    { inputs: [], fields: { shape: [3], value: 1, dtype: 'bool' } },
  ],
  arity: [0, 0],
  lower(context) {
    const { b, fields } = context;
    const { value, values } = fields;
    const dtype = dtypeOf(context);
    if ((value === undefined) === (values === undefined))
      context.fail([], 'it needs `value` or `values`, one of the two');
    if (isNumbers(values)) {
      const shape = fields['shape'] === undefined ? [values.length] : extentsOf(context);
      if (elementCount(shape) !== values.length) {
        context.fail(['values'], `${values.length} numbers do not fill a tensor of ${elementCount(shape)} elements`);
      }
      values.forEach((number, i) => requireHeld(context, ['values', i], number, dtype));
      return b.constant(values, shape, dtype);
    }
    if (fields['shape'] === undefined) context.fail([], 'it needs `shape`, which `value` fills');
    requireHeld(context, ['value'], numberOf(fields, 'value'), dtype);
    return b.op('broadcast_to', [b.full(numberOf(fields, 'value'), [], dtype)], { shape: extentsOf(context) });
  },
});

export const arange = defineLayer({
  type: 'arange',
  summary: 'Numbers in even steps: start, start + step, … below stop.',
  details:
    'It takes no input; one axis. `stop` may be a symbol of the inputs. Positions for an embedding are int32, which is the default. With a negative step the numbers fall, down to above stop. As NumPy and PyTorch.',
  example: '{name: positions, type: arange, stop: 16}',
  fields: {
    start: { description: 'The first number.', type: 'number', default: 0 },
    stop: {
      description: 'Where it ends; itself not among the numbers. A number or a symbol of the inputs.',
      anyOf: [{ type: 'number' }, { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }],
    },
    step: { description: 'From one number to the next.', type: 'number', not: { const: 0 }, default: 1 },
    dtype: { ...dtypeField('int32'), enum: ['float32', 'int32', 'int64'] },
  },
  required: ['stop'],
  samples: [
    { inputs: [], fields: { stop: 16 } },
    { inputs: [], fields: { start: 1, stop: 0, step: -0.25, dtype: 'float32' } },
  ],
  arity: [0, 0],
  lower(context) {
    const { fields } = context;
    const dtype = dtypeOf(context);
    const [start, step, stop] = [numberOf(fields, 'start'), numberOf(fields, 'step'), stopOf(context)];
    // A sum of steps that should end at stop may fall short of it by a rounding error.
    const count = Math.max(0, Math.ceil((stop - start) / step - 1e-9));
    if (count === 0) context.fail(['stop'], `there is no number from ${start} to below ${stop} in steps of ${step}`);
    if (count > MOST) context.fail(['stop'], `${count} numbers are too many; the limit is ${MOST}`);
    for (const name of ['start', 'step']) requireHeld(context, [name], numberOf(fields, name), dtype);
    return context.b.constant(
      Array.from({ length: count }, (_, i) => start + i * step),
      [count],
      dtype,
    );
  },
});

function stopOf(context: LowerContext): number {
  const { fields, symbols } = context;
  if (typeof fields['stop'] === 'number') return fields['stop'];
  const stop = wordOf(fields, 'stop');
  const bound = symbols[stop];
  const known = Object.keys(symbols).join(', ') || 'none';
  return bound ?? context.fail(['stop'], `no input has a dimension called '${stop}'`, `known dimensions: ${known}`);
}

export const parameter = defineLayer({
  type: 'parameter',
  summary: 'A learned tensor by itself.',
  details:
    "It takes no input: Caffe's Parameter, torch.nn.Parameter. With `matmul`, `gather`, `add` and the rest it makes layers that are not there yet, and weights that two of them have in common. Weights: `weight` of the given shape, without a batch axis.",
  example: '{name: queries, type: parameter, shape: [100, 256], init: {type: normal, std: 0.02}}',
  fields: {
    shape: {
      description: 'Extents of the tensor.',
      type: 'array',
      items: { type: 'integer', minimum: 1 },
      minItems: 1,
    },
    init: initField,
  },
  required: ['shape'],
  samples: [
    { inputs: [], fields: { shape: [3, 5], init: { type: 'normal', std: 0.02 } } },
    { inputs: [], fields: { shape: [7] } },
  ],
  arity: [0, 0],
  parameters: ['weight'],
  lower(context) {
    const { shape } = context.fields;
    return context.parameter('weight', isNumbers(shape) ? shape : [], { init: weightInit(context) });
  },
});
