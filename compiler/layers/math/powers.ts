/** Exponentials, logarithms and powers of scaled and shifted inputs: Caffe's Exp, Log and Power. */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import { Arithmetic } from '../../ops/families/arithmetic';
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { requireStretch } from '../merge/merge';
import { requireFloat } from '../window';

const SCALE: FieldSchema = { description: 'What x is multiplied by before.', type: 'number', default: 1 };
const SHIFT: FieldSchema = { description: 'What is added to that.', type: 'number', default: 0 };

function affine(m: Arithmetic, x: Value, scale: number, shift: number): Value {
  const scaled = scale === 1 ? x : m.mul(x, scale);
  return shift === 0 ? scaled : m.add(scaled, shift);
}

export const exp = defineLayer({
  type: 'exp',
  summary: 'base to the power of (scale · x + shift).',
  details: "Caffe's Exp. The result is infinite in float32 where the exponent of e is above 88.7.",
  example: '{name: variance, type: exp}',
  fields: {
    base: { description: 'What is raised; e unless given.', type: 'number', exclusiveMinimum: 0 },
    scale: SCALE,
    shift: SHIFT,
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }] },
    { inputs: [{ shape: ['N', 5] }], fields: { base: 2, scale: 1.5, shift: -1 } },
    { inputs: [{ shape: ['N', 5] }], fields: { scale: 0.5 } },
  ],
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    requireFloat(context, inputs[0]!);
    const m = new Arithmetic(b, 'f32');
    const rate = fields['base'] === undefined ? 1 : Math.log(numberOf(fields, 'base'));
    return m.exp(affine(m, inputs[0]!, numberOf(fields, 'scale') * rate, numberOf(fields, 'shift') * rate));
  },
});

export const log = defineLayer({
  type: 'log',
  summary: 'The logarithm of scale · x + shift.',
  details: "Caffe's Log. `shift` keeps it finite where x can be 0.",
  example: '{name: levels, type: log, shift: 1.0e-6}',
  fields: {
    base: {
      description: 'Base of the logarithm; e unless given.',
      type: 'number',
      exclusiveMinimum: 0,
      not: { const: 1 },
    },
    scale: SCALE,
    shift: SHIFT,
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5], range: [0.2, 2] }], fields: { shift: 1e-6 } },
    { inputs: [{ shape: ['N', 5] }], fields: { base: 10, scale: 0.5, shift: 2 } },
    { inputs: [{ shape: ['N', 5], range: [0.2, 2] }] },
  ],
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    requireFloat(context, inputs[0]!);
    const m = new Arithmetic(b, 'f32');
    const natural = m.log(affine(m, inputs[0]!, numberOf(fields, 'scale'), numberOf(fields, 'shift')));
    return fields['base'] === undefined ? natural : m.mul(natural, 1 / Math.log(numberOf(fields, 'base')));
  },
});

export const pow = defineLayer({
  type: 'pow',
  summary: '(scale · x + shift) to a power, or the first input to the power of the second.',
  details:
    "With one input Caffe's Power. With two, element by element, as torch.pow; the inputs have the same number of axes, extents of 1 are stretched. A negative base with a fractional power is NaN.",
  example: '{name: cubes, type: pow, power: 3}',
  fields: {
    power: { description: 'The exponent; needed with one input.', type: 'number' },
    scale: { description: 'What x is multiplied by before, 1 unless given; only with `power`.', type: 'number' },
    shift: { description: 'What is added to that, 0 unless given; only with `power`.', type: 'number' },
  },
  samples: [
    ...[3, 2, 1, 0].map((power) => ({ inputs: [{ shape: ['N', 3, 5] as const }], fields: { power } })),
    ...[0.5, -1, -0.5, -1.7].map((power) => ({
      inputs: [{ shape: ['N', 5] as const, range: [0.3, 2] as const }],
      fields: { power, scale: 0.5, shift: 0.1 },
    })),
    { inputs: [{ shape: ['N', 3], range: [0.3, 2] }, { shape: ['N', 1] }] },
  ],
  arity: [1, 2],
  lower(context, inputs) {
    const { b, fields } = context;
    requireFloat(context, ...inputs);
    const m = new Arithmetic(b, 'f32');
    const [x, exponent] = inputs as readonly [Value, Value?];
    if (exponent) {
      const idle = ['power', 'scale', 'shift'].find((name) => fields[name] !== undefined);
      if (idle !== undefined) context.fail([idle], `\`${idle}\` has no effect where a second input is the power`);
      requireStretch(context, inputs);
      return m.pow(x, exponent);
    }
    if (fields['power'] === undefined) return context.fail([], 'it needs `power`, or a second input for it');
    const base = affine(m, x, numberOf({ scale: 1, ...fields }, 'scale'), numberOf({ shift: 0, ...fields }, 'shift'));
    return powerOf(m, base, numberOf(fields, 'power'));
  },
});

/** Powers that have an op of their own are exact and cheaper by it. */
function powerOf(m: Arithmetic, x: Value, power: number): Value {
  switch (power) {
    case 1:
      return x;
    case 2:
      return m.square(x);
    case 3:
      return m.mul(m.square(x), x);
    case 0.5:
      return m.op('sqrt', x);
    case -0.5:
      return m.op('rsqrt', x);
    case -1:
      return m.op('reciprocal', x);
    default:
      return m.pow(x, power);
  }
}
