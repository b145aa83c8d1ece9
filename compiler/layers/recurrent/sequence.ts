/**
 * Recurrent layers over whole sequences: stacks of loops, in one or both directions, around any cell. Time is the first
 * axis from end to end, so that each step reads and writes consecutive memory, and the inputs of all steps are projected
 * by one product before each loop.
 */
import type { FieldSchema } from '../../frontend/describe';
import type { Builder } from '../../ir/builder';
import type { Value } from '../../ir/graph';
import type { LowerContext } from '../define';
import { flag, flagOf, numberOf, positive, wordOf } from '../fields';
import { reshapeTo, transposeTo } from '../shape/pieces';
import { requireFloat } from '../window';
import { heldMask, type Cell, type MakeCell } from './cell';
import { contInReverse, extraInputsField, initialStates, joinedStates, sequenceInputs } from './inputs';
import type { SequenceInputs } from './inputs';

const rate = (description: string): FieldSchema => ({
  description,
  type: 'number',
  minimum: 0,
  exclusiveMaximum: 1,
  default: 0,
});

/** Of every recurrent layer, whatever its cell. */
export function loopFields(states: readonly string[]): Readonly<Record<string, FieldSchema>> {
  return {
    return: {
      description:
        'What the plain name stands for: `sequence`, the outputs of all steps [N, T, units], or `last`, that after the last step [N, units] (the first in reverse). Both are there as `name.sequence` and `name.last`.',
      enum: ['sequence', 'last'],
      default: 'sequence',
    },
    reverse: flag('Goes from the last step to the first; outputs keep their places in time.', false),
    padded_output: {
      description:
        'What the output is at padding, with `lengths` or `mask`: `zeros` unless said (PyTorch), or `previous`, the output before it (Keras).',
      enum: ['zeros', 'previous'],
    },
    input_dropout: rate('Share of the inputs set to 0 in training, the same ones in every step.'),
    recurrent_dropout: rate(
      'Share of the states set to 0 in training where they are multiplied with `weight_hidden`, the same ones in every step.',
    ),
    truncate: {
      description: 'The gradient does not pass from step `truncate`, 2 · `truncate`, … to the one before it.',
      type: 'integer',
      minimum: 1,
    },
    checkpoint: flag(
      'Keeps only the states for the gradient and computes the rest again: less memory, more time.',
      false,
    ),
    extra_inputs: extraInputsField(states),
  };
}

/** Of the layers that can be stacked and run both ways. */
export const STACK_FIELDS: Readonly<Record<string, FieldSchema>> = {
  layers: positive('How many such layers, one on the outputs of the other.', { default: 1, maximum: 100 }),
  bidirectional: flag('Runs a second loop from the end, with weights of its own (`…_reverse`).', false),
  merge: {
    description: 'How the outputs of both directions become one: `concat` unless said, `sum`, `mul` or `ave`.',
    enum: ['concat', 'sum', 'mul', 'ave'],
  },
  dropout: rate('Share of the outputs between stacked layers set to 0 in training.'),
};

/** The further outputs, in the order in which `runSequence` gives them. */
export const outputsFor = (states: readonly string[]): readonly string[] => [...states, 'sequence', 'last'];

interface Direction {
  readonly reverse: boolean;
  readonly suffix: string;
}

interface Looped {
  /** [T, N, …] */
  readonly outputs: Value;
  /** After the last step. */
  readonly states: readonly Value[];
}

/** Everything the layer gives, `states` being the names of the cell's states. */
export function runSequence(
  context: LowerContext,
  inputs: readonly Value[],
  states: readonly string[],
  makeCell: MakeCell,
  rank = 3,
): readonly Value[] {
  const { b, fields } = context;
  const given = sequenceInputs(context, inputs, rank);
  requireFloat(context, given.x);
  requireSense(context, given);
  const batch = given.x.type.shape[0] ?? 1;
  const layers = fields['layers'] === undefined ? 1 : numberOf(fields, 'layers');
  const both = fields['bidirectional'] === true;
  const directions = both ? [false, true] : [flagOf(fields, 'reverse')];
  const cont = given.cont && { forward: given.cont, reverse: contInReverse(b, given.cont) };

  let x = swapped(b, given.x);
  let last: Value | undefined;
  const finals: Value[][] = states.map(() => []);
  for (let layer = 0; layer < layers; layer++) {
    const made = directions.map((reverse, i) => {
      const direction: Direction = { reverse, suffix: suffixOf(layer, both && reverse) };
      const site = { context, suffix: direction.suffix, batch, input: x.type.shape.slice(2) };
      const cell = makeCell(site);
      const place = layer * directions.length + i;
      const before = states.map((name, k) => {
        const all = initialStates(context, given.initial.get(name), layers * directions.length, batch, cell.states[k]!);
        return all[place];
      });
      return loop(context, cell, direction, x, before, {
        valid: given.valid,
        cont: reverse ? cont?.reverse : cont?.forward,
      });
    });
    made.forEach((one) => one.states.forEach((state, k) => finals[k]!.push(state)));
    x = merged(
      context,
      made.map(({ outputs }) => outputs),
      2,
    );
    last = merged(
      context,
      made.map((one) => one.states[0]!),
      1,
    );
    if (layer < layers - 1) x = droppedOut(context, x, layer);
  }
  const sequence = swapped(b, x);
  const ends = finals.map((values) => joinedStates(b, values));
  return [wordOf(fields, 'return') === 'last' ? last! : sequence, ...ends, sequence, last!];
}

/** Fields that would have no effect. */
function requireSense(context: LowerContext, { valid }: SequenceInputs): void {
  const { fields } = context;
  const both = fields['bidirectional'] === true;
  if (both && flagOf(fields, 'reverse')) context.fail(['reverse'], 'with `bidirectional` there are both directions');
  if (!both && fields['merge'] !== undefined) context.fail(['merge'], 'there is one direction without `bidirectional`');
  if (fields['padded_output'] !== undefined && !valid) {
    context.fail(['padded_output'], 'without `lengths` or `mask` among the inputs there is no padding');
  }
  if (fields['layers'] === 1 && fields['dropout'] !== 0) {
    const hint = '`input_dropout` drops inputs of the layer; a `dropout` layer after it drops its outputs';
    context.fail(['dropout'], 'it acts between stacked layers, and there is one', hint);
  }
}

const suffixOf = (layer: number, reverse: boolean): string =>
  `${layer === 0 ? '' : `_${layer}`}${reverse ? '_reverse' : ''}`;

/** One layer in one direction over x [T, N, …]. */
function loop(
  context: LowerContext,
  cell: Cell,
  { reverse, suffix }: Direction,
  x: Value,
  before: readonly (Value | undefined)[],
  { valid, cont }: Pick<SequenceInputs, 'valid' | 'cont'>,
): Looped {
  const { b, fields, name } = context;
  const [steps = 1, batch = 1, ...features] = x.type.shape;
  const mask = heldMask({ context, suffix }, 'input_dropout', [1, batch, ...features]);
  const kept = mask ? b.op('mul', [x, mask]) : x;
  const projected = cell.project(reshapeTo(b, kept, [steps * batch, ...features]));
  const sequence = reshapeTo(b, projected, [steps, batch, ...projected.type.shape.slice(1)]);
  const init = cell.states.map((shape, k) => before[k] ?? b.full(0, [batch, ...shape]));
  // The output before the first step is 0, even where the state is not.
  const repeats = fields['padded_output'] === 'previous' && valid !== undefined;
  const apart = repeats && before[0] !== undefined;
  const perSample = (value: Value): Value => reshapeTo(b, value, [steps, batch, ...cell.states[0]!.map(() => 1)]);
  const { carries, outputs } = b.scan({
    init: apart ? [...init, b.full(0, init[0]!.type.shape)] : init,
    sequences: [sequence, ...(valid ? [perSample(valid)] : []), ...(cont ? [perSample(cont)] : [])],
    reverse,
    checkpoint: flagOf(fields, 'checkpoint'),
    ...(typeof fields['truncate'] === 'number' ? { truncate: fields['truncate'] } : {}),
    name: `${name}${suffix}`,
    body: (sub, carried, [now, ...flags]) => {
      const zero = sub.full(0);
      const isValid = valid && flags[0];
      const goesOn = cont && flags.at(-1);
      const own = carried.slice(0, init.length);
      const from = goesOn ? own.map((state) => sub.op('where', [goesOn, state, zero])) : own;
      const next = cell.step(sub, now!, from);
      if (!isValid) return { carries: next, outputs: [next[0]!] };
      const carries = next.map((state, k) => sub.op('where', [isValid, state, own[k]!]));
      const previous = apart ? carried.at(-1)! : own[0]!;
      const output = repeats && !apart ? carries[0]! : sub.op('where', [isValid, next[0]!, repeats ? previous : zero]);
      return { carries: apart ? [...carries, output] : carries, outputs: [output] };
    },
  });
  return { outputs: outputs[0]!, states: carries.slice(0, init.length) };
}

function merged(context: LowerContext, values: readonly Value[], axis: number): Value {
  const [forward, backward] = values as readonly [Value, Value | undefined];
  if (!backward) return forward;
  const { b, fields } = context;
  const how = fields['merge'];
  if (how === 'mul') return b.op('mul', values);
  if (how !== 'sum' && how !== 'ave') return b.op('concat', values, { axis });
  const sum = b.op('add', values);
  return how === 'sum' ? sum : b.op('mul', [sum, b.full(0.5)]);
}

function droppedOut(context: LowerContext, x: Value, layer: number): Value {
  const dropped = numberOf(context.fields, 'dropout');
  if (dropped === 0 || context.mode !== 'train') return x;
  const attrs = { rate: dropped, stream: context.stream(`dropout_${layer}`) };
  return context.b.op('dropout', [x, context.rng()], attrs);
}

/** [N, T, …] ↔ [T, N, …] */
function swapped(b: Builder, x: Value): Value {
  return transposeTo(
    b,
    x,
    x.type.shape.map((_, axis) => (axis < 2 ? 1 - axis : axis)),
  );
}

/** A single step: what cells as layers do with `inputs`, the input and each state. */
export function runCell(context: LowerContext, inputs: readonly Value[], makeCell: MakeCell): readonly Value[] {
  const [x, ...states] = inputs as readonly [Value, ...Value[]];
  requireFloat(context, ...inputs);
  const [batch = 1, ...input] = x.type.shape;
  if (input.length !== 1) context.mismatch('shape', 'its first input is one step, [N, C]');
  const cell = makeCell({ context, suffix: '', batch, input });
  cell.states.forEach((shape, k) => {
    const wanted = [batch, ...shape];
    const found = states[k]!.type.shape;
    if (found.length !== wanted.length || wanted.some((extent, i) => found[i] !== extent)) {
      context.mismatch('shape', `its states have the shape [${wanted.join(', ')}] here`);
    }
  });
  return cell.step(context.b, cell.project(x), states);
}
