/**
 * The inputs of a recurrent layer beside the sequence: initial states, lengths, masks, markers of beginnings. The field
 * `extra_inputs` says which of them the inputs after the first one are.
 */
import type { FieldSchema } from '../../frontend/describe';
import type { Builder } from '../../ir/builder';
import type { Value } from '../../ir/graph';
import { dropAxis, reshapeTo, sliceAlong } from '../shape/pieces';
import type { LowerContext } from '../define';
import { SPATIAL, type Rank } from '../window';
import { tableOf } from '../table';

export const EXTRA_NOTE =
  '`extra_inputs` says what the inputs after the first are. `h` (and `c`): states before the first step, shaped as the outputs `name.h` and `name.c`; zeros without. `lengths`, integers [N]: steps from there on are padding (none where it is T or more), which leaves the states as they are; the reverse direction begins at the last step that is none (packed sequences of PyTorch). `mask`, bool [N, T]: false at padding, anywhere (Keras). `cont` [N, T], bool or numbers: 0 where another sequence begins, whose first step sees zeros for states (Caffe); in the reverse direction what ends before it does.';

export function extraInputsField(states: readonly string[]): FieldSchema {
  return {
    description: 'What the inputs after the first are, in order.',
    type: 'array',
    uniqueItems: true,
    items: { enum: [...states, 'lengths', 'mask', 'cont'] },
    default: [],
  };
}

export interface SequenceInputs {
  readonly x: Value;
  /** The states before the first step, if given. */
  readonly initial: ReadonlyMap<string, Value>;
  /** bool [T, N]: true where a step is none of the padding. */
  readonly valid: Value | undefined;
  /** bool [T, N]: false where the states start anew. */
  readonly cont: Value | undefined;
}

export function sequenceInputs(context: LowerContext, inputs: readonly Value[], rank: number): SequenceInputs {
  const [x, ...others] = inputs as readonly [Value, ...Value[]];
  if (x.type.shape.length !== rank) {
    const extents = rank === 3 ? '' : `, ${SPATIAL[(rank - 3) as Rank].extents}`;
    context.mismatch('shape', `it takes sequences of shape [N, T, C${extents}]`);
  }
  const roles = context.fields['extra_inputs'] as readonly string[];
  if (roles.length !== others.length) {
    const found = `${others.length} inputs after the first, and \`extra_inputs\` names ${roles.length}`;
    context.fail(['extra_inputs'], found, 'e.g. `inputs: [x, lengths], extra_inputs: [lengths]`');
  }
  const given = new Map(roles.map((role, i) => [role, others[i]!]));
  const [n = 1, t = 1] = x.type.shape;
  const masks = [lengthsMask(context, given.get('lengths'), n, t), maskOf(context, given.get('mask'), n, t)];
  const present = masks.filter((mask) => mask !== undefined);
  const valid = present.length === 0 ? undefined : present.reduce((a, mask) => context.b.op('and', [a, mask]));
  const cont = contOf(context, given.get('cont'), n, t);
  return { x, initial: given, valid, cont };
}

/** bool [T, N]. */
function lengthsMask(context: LowerContext, lengths: Value | undefined, n: number, t: number): Value | undefined {
  if (!lengths) return undefined;
  const { dtype, shape } = lengths.type;
  if (dtype !== 'i32' && dtype !== 'i64') context.mismatch('dtype', 'lengths are integers');
  if (shape.length !== 1 || shape[0] !== n) context.mismatch('shape', 'there is one length for each sample, [N]');
  const { b } = context;
  const places = b.constant(
    tableOf(t, (i) => i),
    [t, 1],
    dtype,
  );
  return b.op('less', [places, b.op('reshape', [lengths], { shape: [1, n] })]);
}

function maskOf(context: LowerContext, mask: Value | undefined, n: number, t: number): Value | undefined {
  if (!mask) return undefined;
  requireSteps(context, mask, n, t, 'a mask');
  if (mask.type.dtype !== 'bool') context.mismatch('dtype', 'a mask is bool, true at the steps that count');
  return context.b.op('transpose', [mask], { perm: [1, 0] });
}

function contOf(context: LowerContext, cont: Value | undefined, n: number, t: number): Value | undefined {
  if (!cont) return undefined;
  requireSteps(context, cont, n, t, '`cont`');
  const { b } = context;
  const turned = b.op('transpose', [cont], { perm: [1, 0] });
  const { dtype } = cont.type;
  return dtype === 'bool' ? turned : b.op('not_equal', [turned, b.full(0, [], dtype)]);
}

function requireSteps(context: LowerContext, value: Value, n: number, t: number, what: string): void {
  const { shape } = value.type;
  if (shape.length !== 2 || shape[0] !== n || shape[1] !== t) {
    context.mismatch('shape', `${what} has a value for each step, here [${n}, ${t}]`);
  }
}

/** In reverse, states start anew before the last step of a sequence: where the step after it is the first of another. */
export function contInReverse(b: Builder, cont: Value): Value {
  const [t = 1, n = 1] = cont.type.shape;
  const end = b.constant([1], [1, n], 'bool');
  return t === 1 ? end : b.op('concat', [sliceAlong(b, cont, 0, 1, t), end], { axis: 0 });
}

/** The initial value of each loop: [N, …], or cut from [N, loops, …]. */
export function initialStates(
  context: LowerContext,
  given: Value | undefined,
  loops: number,
  batch: number,
  shape: readonly number[],
): readonly (Value | undefined)[] {
  const { b } = context;
  if (!given) return tableOf(loops, () => undefined);
  const wanted = loops === 1 ? [batch, ...shape] : [batch, loops, ...shape];
  if (given.type.dtype !== 'f32') context.mismatch('dtype', 'initial states are float32');
  if (given.type.shape.length !== wanted.length || wanted.some((extent, i) => given.type.shape[i] !== extent)) {
    context.mismatch('shape', `initial states have the shape [${wanted.join(', ')}] here`);
  }
  if (loops === 1) return [given];
  return tableOf(loops, (i) => dropAxis(b, sliceAlong(b, given, 1, i, i + 1), 1));
}

/** The last values of all loops: [N, …] of one, [N, loops, …] of several. */
export function joinedStates(b: Builder, values: readonly Value[]): Value {
  const [first] = values as readonly [Value];
  if (values.length === 1) return first;
  const [n = 1, ...rest] = first.type.shape;
  return b.op(
    'concat',
    values.map((value) => reshapeTo(b, value, [n, 1, ...rest])),
    { axis: 1 },
  );
}
