/** A loop over time with a block as its body: the way to write a recurrent layer that is not built in. */
import type { Fields } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import type { Shape } from '../../ir/types';
import { defineLayer, MANY, type BodyInterface, type LowerContext } from '../define';
import { flag, flagOf } from '../fields';
import { batchOf, bindInputs, bodyField, requireCarried } from './body';

/** What is carried from step to step: an input of the body, and the output that it is in the next step. */
interface Carry {
  readonly input: string;
  readonly next: string;
  /** Without the batch axis; the first value is then 0 and not among the inputs. */
  readonly shape: Shape | undefined;
}

export const scan = defineLayer({
  type: 'scan',
  summary: 'Runs a block step by step along time, with values carried from each step to the next.',
  details: [
    '`body` is a block, or its layers written in place. Its inputs are, in order, what `inputs:` names: `sequences` are cut along axis 1 ([N, T, ...], the body sees [N, ...]), those under `carry` are the values before the first step, the rest are the same in every step. `carry: {h: {next: h2, shape: [128]}}` starts `h` from zeros of [N, 128] and needs no input.',
    'The first output is the first output of the body at every step, stacked to [N, T, ...]; `name.<output>` are its others, and `name.final_<input>` the carried values after the last step.',
    'Gradients flow back through all steps (Williams and Peng 1990 with `truncate`). What a step computes is kept for them; with `checkpoint: true` only the carried values are, and the rest is computed again.',
    'As Theano’s scan with taps of −1, as `tf.scan` and `jax.lax.scan`. Layers that keep running statistics cannot be trained inside of a loop.',
  ].join('\n\n'),
  example:
    '{name: sums, type: scan, inputs: [x], body: {inputs: [v, total], layers: [{type: add, inputs: [v, total]}]}, carry: {total: {next: output, shape: [3]}}}',
  fields: {
    body: bodyField('What one step computes.'),
    sequences: {
      description: 'Inputs of the body that are cut along time; by default the first.',
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { type: 'string', minLength: 1 } },
      ],
    },
    carry: {
      description:
        'Inputs of the body that are carried: each the name of the output that it is in the next step, or `{next, shape}` to start from zeros.',
      type: 'object',
      additionalProperties: {
        anyOf: [
          { type: 'string', minLength: 1 },
          {
            type: 'object',
            required: ['next', 'shape'],
            additionalProperties: false,
            properties: {
              next: { type: 'string', minLength: 1 },
              shape: { type: 'array', items: { type: 'integer', minimum: 1 }, maxItems: 7 },
            },
          },
        ],
      },
    },
    length: {
      description: 'How many steps, where there are no sequences (`sequences: []`).',
      type: 'integer',
      minimum: 1,
      maximum: 1_000_000,
    },
    reverse: flag('From the last step to the first; outputs keep their places in time.', false),
    truncate: {
      description: 'Stops the gradient of carried values after every so many steps (truncated back-propagation).',
      type: 'integer',
      minimum: 1,
    },
    checkpoint: flag('Keeps only the carried values of each step for the gradient and computes the rest again.', false),
  },
  required: ['body'],
  arity: [0, MANY],
  bodies: ['body'],
  outputs: (fields, { body }) => [
    ...(body?.outputs.slice(1) ?? []),
    ...Object.keys(carryFields(fields)).map((name) => `final_${name}`),
  ],
  samples: [
    {
      inputs: [{ shape: ['N', 4, 3] }, { shape: ['N', 3] }],
      fields: {
        body: {
          inputs: ['v', 'h'],
          layers: [
            { name: 'in', type: 'dense', inputs: 'v', units: 3 },
            { name: 'own', type: 'dense', inputs: 'h', units: 3, bias: false },
            { name: 'next', type: 'add', inputs: ['in', 'own'], activation: 'tanh' },
          ],
          outputs: ['next'],
        },
        carry: { h: 'next' },
      },
    },
    {
      name: 'reverse, truncated, zero start, a constant and a second output',
      inputs: [{ shape: ['N', 5, 2] }, { shape: ['N', 2] }],
      fields: {
        body: {
          inputs: ['v', 'k', 'h'],
          layers: [
            { name: 'next', type: 'expression', inputs: ['v', 'k', 'h'], expr: 'tanh(v * k + h)' },
            { name: 'twice', type: 'expression', inputs: ['next'], expr: '2 * next' },
          ],
          outputs: ['next', 'twice'],
        },
        carry: { h: { next: 'next', shape: [2] } },
        reverse: true,
        truncate: 2,
      },
      // Finite differences do not stop where the gradient does.
      wrt: [],
    },
    {
      name: 'no sequence, checkpointed, drawing',
      inputs: [{ shape: ['N', 3] }],
      fields: {
        body: {
          inputs: ['h'],
          layers: [{ name: 'next', type: 'expression', inputs: ['h'], expr: 'sin(h) * (0.5 + uniform(h))' }],
        },
        sequences: [],
        carry: { h: 'output' },
        length: 3,
        checkpoint: true,
      },
    },
  ],
  lower(context, inputs) {
    const { b, fields } = context;
    const body = context.body('body')!;
    const carries = carriesOf(context, body);
    const sequences = sequencesOf(context, body, carries);
    const fromZero = new Set(carries.filter(({ shape }) => shape !== undefined).map(({ input }) => input));
    const given = bindInputs(context, body, inputs, fromZero);
    const slices = sequences.map((name) => timeFirst(context, given.get(name)!));
    const batch = batchOf(context, inputs);
    const init = carries.map(({ input, shape }) => given.get(input) ?? b.full(0, [batch, ...(shape ?? [])]));
    const { carries: last, outputs } = b.scan({
      length: lengthOf(context, slices),
      init,
      sequences: slices,
      reverse: flagOf(fields, 'reverse'),
      checkpoint: flagOf(fields, 'checkpoint'),
      ...(typeof fields['truncate'] === 'number' ? { truncate: fields['truncate'] } : {}),
      name: context.name,
      body: (sub, carried, cut, index) => {
        const values = body.inputs.map((name) => {
          const carry = carries.findIndex(({ input }) => input === name);
          return carried[carry] ?? cut[sequences.indexOf(name)] ?? given.get(name)!;
        });
        const results = context.lowerBody('body', sub, values, index);
        const next = carries.map(({ input, next: from }, i) => {
          const after = results[body.outputs.indexOf(from)]!;
          return requireCarried(context, ['carry', input], carried[i]!, after);
        });
        return { carries: next, outputs: results };
      },
    });
    return [...outputs.map((value) => batchFirst(context, value)), ...last];
  },
});

function carryFields(fields: Fields): Fields {
  const carry = fields['carry'];
  return typeof carry === 'object' && carry !== null && !Array.isArray(carry) ? (carry as Fields) : {};
}

function carriesOf(context: LowerContext, body: BodyInterface): readonly Carry[] {
  return Object.entries(carryFields(context.fields)).map(([input, how]) => {
    requireName(context, ['carry', input], input, body.inputs, 'input');
    const written = typeof how === 'string' ? { next: how } : (how as { readonly next: string; readonly shape: Shape });
    requireName(context, ['carry', input], written.next, body.outputs, 'output');
    return { input, next: written.next, shape: 'shape' in written ? written.shape : undefined };
  });
}

function sequencesOf(context: LowerContext, body: BodyInterface, carries: readonly Carry[]): readonly string[] {
  const written = context.fields['sequences'];
  const carried = new Set(carries.map(({ input }) => input));
  if (written === undefined) {
    const [first] = body.inputs;
    return first === undefined || carried.has(first) ? [] : [first];
  }
  const names = typeof written === 'string' ? [written] : (written as readonly string[]);
  for (const name of names) {
    requireName(context, ['sequences'], name, body.inputs, 'input');
    if (carried.has(name)) context.fail(['sequences'], `\`${name}\` is carried, and cannot be cut along time too`);
  }
  return names;
}

function requireName(
  context: LowerContext,
  path: readonly string[],
  name: string,
  known: readonly string[],
  what: string,
): void {
  if (known.includes(name)) return;
  const list = known.map((one) => `\`${one}\``).join(', ');
  const hint =
    what === 'output' && known.includes('output')
      ? 'the last layer is called `output`, unless the body names its `outputs`'
      : undefined;
  context.fail(path, `the body has no ${what} called \`${name}\`; there are ${list}`, hint);
}

function lengthOf(context: LowerContext, slices: readonly Value[]): number {
  const { length } = context.fields;
  const [first] = slices;
  if (first === undefined) {
    return typeof length === 'number' ? length : context.fail(['body'], 'without a sequence it needs a `length`');
  }
  const steps = first.type.shape[0]!;
  if (slices.some(({ type }) => type.shape[0] !== steps)) {
    context.mismatch('shape', 'the sequences have different lengths on axis 1');
  }
  if (typeof length === 'number' && length !== steps) {
    context.fail(['length'], `the sequences have ${steps} steps, not ${length}`);
  }
  return steps;
}

/** [N, T, ...] ↔ [T, N, ...] */
function swapped(context: LowerContext, value: Value): Value {
  const perm = value.type.shape.map((_, axis) => (axis < 2 ? 1 - axis : axis));
  return context.b.op('transpose', [value], { perm });
}

function timeFirst(context: LowerContext, value: Value): Value {
  if (value.type.shape.length < 2) context.mismatch('shape', 'a sequence has a batch and a time axis, [N, T, ...]');
  return swapped(context, value);
}

/** What has no batch axis, such as a mean over it, stays [T]. */
function batchFirst(context: LowerContext, value: Value): Value {
  return value.type.shape.length < 2 ? value : swapped(context, value);
}
