/**
 * Loops that are the LSTM, GRU and RNN of ONNX: a body of the plain cell, its inputs multiplied by one product in front of
 * the loop, weights that are known. Lengths of sequences that mask the steps are given as such.
 */
import type { Node, Value } from '../../../ir/graph';
import type { DType } from '../../../ir/types';
import { scanParts, type ScanParts } from '../../../ops/families/regions';
import type { KnownTensor } from '../prediction';
import { arrayOf, type Emitter, type MadeNode, type Ref } from './emitter';
import { matchValue, op, type Composition, type Match, type Pattern } from './pattern';

interface Cell {
  readonly onnx: string;
  /** Of what is carried, from x (a slice of the inputs), R (the recurrent weight), h and c. */
  readonly states: readonly Composition[];
  /** Where ONNX has our gates, which lie one after the other in the weights. */
  readonly gates: readonly number[];
  readonly attributes: MadeNode['attributes'];
}

const NAMES = ['h', 'c'] as const;

/** Gate `at` of a product: its part of the columns. */
function gate(at: number, of: Pattern): Composition {
  return {
    ...op('slice', of),
    holds: (node) => {
      const units = node.outputs[0]!.type.shape[1]!;
      const starts = node.attrs['starts'] as readonly number[];
      return starts[0] === 0 && starts[1] === at * units;
    },
  };
}

const product: Composition = { ...op('matmul', 'h', 'R'), holds: ({ attrs }) => attrs['transpose_b'] === true };
const sums = op('add', 'x', product);

const kept = op('mul', op('sigmoid', gate(1, sums)), 'c');
const taken = op('mul', op('sigmoid', gate(0, sums)), op('tanh', gate(2, sums)));
const cell = op('add', kept, taken);
const shown = op('mul', op('sigmoid', gate(3, sums)), op('tanh', cell));

function gru(recalled: Pattern): Composition {
  const part = (at: number): Composition => op('sigmoid', op('add', gate(at, 'x'), gate(at, product)));
  const candidate = op('tanh', op('add', gate(2, 'x'), op('mul', part(0), recalled)));
  return op('add', candidate, op('mul', part(1), op('sub', 'h', candidate)));
}

const CELLS: readonly Cell[] = [
  { onnx: 'LSTM', states: [shown, cell], gates: [0, 3, 1, 2], attributes: {} },
  ...[op('add', gate(2, product), 'bias'), gate(2, product)].map((recalled) => ({
    ...{ onnx: 'GRU', states: [gru(recalled)], gates: [1, 0, 2], attributes: { linear_before_reset: 1 } },
  })),
  ...['tanh', 'relu'].map((name) => ({
    ...{ onnx: 'RNN', states: [op(name, sums)], gates: [0] },
    attributes: { activations: { strings: [name === 'tanh' ? 'Tanh' : 'Relu'] } },
  })),
];

/** What the loop gives, by one operator; undefined for any other loop. */
export function recurrent(node: Node, e: Emitter): Ref[] | undefined {
  const parts = scanParts(node);
  for (const one of CELLS) {
    const match = matchBody(one, parts, e);
    const inputs = match && inputsOf(one, parts, match, e);
    if (inputs) return written(one, parts, inputs, e);
  }
  return undefined;
}

/** Every result is the cell's state, plainly or where the step is valid. */
function matchBody({ states }: Cell, parts: ScanParts, e: Emitter): Match | undefined {
  const { carryInputs, carryResults, stepResults, sliceInputs } = parts;
  if (states.length !== carryInputs.length || sliceInputs.length > 2) return undefined;
  const before = Object.fromEntries(carryInputs.map((value, i) => [NAMES[i]!, value]));
  const given: Match = { values: before, numbers: {} };
  const all = (masked: boolean): Match | undefined => {
    const held = states.map((state, i) => (masked ? op('where', 'valid', state, NAMES[i]!) : state));
    const shownThen = masked ? op('where', 'valid', states[0]!, 0) : states[0]!;
    const wanted: (readonly [Pattern, Value])[] = [
      ...carryResults.map((value, i) => [held[i]!, value] as const),
      ...stepResults.map((value) => [shownThen, value] as const),
    ];
    return wanted.reduce<Match | undefined>(
      (match, [pattern, value]) => match && matchValue(pattern, value, e, match),
      given,
    );
  };
  const match = all(false) ?? all(true);
  const slices = match && [match.values['x'], match.values['valid']].filter((value) => value !== undefined);
  return slices?.length === sliceInputs.length && slices.every((value) => sliceInputs.includes(value))
    ? match
    : undefined;
}

interface Inputs {
  readonly x: Ref;
  readonly weight: KnownTensor;
  readonly recurrent: KnownTensor;
  readonly bias: KnownTensor | undefined;
  /** Of the candidate of a GRU. */
  readonly inner: KnownTensor | undefined;
  readonly lengths: Ref | undefined;
}

/** [T, N, G·H] is a product of inputs with a known weight. */
function inputsOf(cell: Cell, parts: ScanParts, { values }: Match, e: Emitter): Inputs | undefined {
  const outer = (inner: Value): Value => parts.sequences[parts.sliceInputs.indexOf(inner)]!;
  const sequence = outer(values['x']!);
  const view = e.definition(sequence);
  const product = view?.op === 'reshape' ? e.definition(view.inputs[0]!) : view;
  if (product?.op !== 'matmul' || product.attrs['transpose_b'] !== true || product.attrs['transpose_a'] === true) {
    return undefined;
  }
  const [from, w, b] = product.inputs;
  const weight = e.known(w!);
  const recurrent = e.known(values['R']!);
  const bias = b && e.known(b);
  const inner = values['bias'] && e.known(values['bias']);
  const units = parts.carryInputs[0]!.type.shape[1]!;
  const whole = recurrent?.shape[0] === cell.gates.length * units && weight?.shape[0] === recurrent.shape[0];
  if (!whole || (b && !bias) || (values['bias'] && !inner)) return undefined;
  const lengths = values['valid'] && lengthsOf(outer(values['valid']), parts.length, e);
  if (values['valid'] && !lengths) return undefined;
  const [steps, batch] = e.extents.shape(sequence);
  const x = e.reshape(e.ref(from!), e.extents.shape(from!), [steps!, batch!, weight.shape[1]!]);
  return { x, weight, recurrent, bias, inner, lengths };
}

/** The lengths behind a mask [T, N, 1] of what is less than a length. */
function lengthsOf(mask: Value, steps: number, e: Emitter): Ref | undefined {
  const match = matchValue(op('reshape', op('less', 'steps', op('reshape', 'lengths'))), mask, e);
  const lengths = match?.values['lengths'];
  const counted = match && e.definition(match.values['steps']!);
  const counts = counted?.op === 'constant' ? (counted.attrs['values'] as readonly number[]) : [];
  if (lengths?.type.shape.length !== 1 || counts.length !== steps || counts.some((count, i) => count !== i)) {
    return undefined;
  }
  const { dtype } = lengths.type;
  const held = e.op('Clip', [e.ref(lengths), e.scalar(dtype, 0), e.scalar(dtype, steps)]);
  return dtype === 'i32' ? held : e.cast(held, 'i32');
}

function written({ onnx, gates, attributes }: Cell, parts: ScanParts, inputs: Inputs, e: Emitter): Ref[] {
  const { weight, recurrent, bias, inner } = inputs;
  const units = parts.carryInputs[0]!.type.shape[1]!;
  const rows = ({ data, shape: [total = 0, width = 1] }: KnownTensor): number[] => {
    const size = (total / gates.length) * width;
    return gates.flatMap((from) => Array.from(data.slice(from * size, (from + 1) * size) as Float32Array));
  };
  const store = (name: string, dtype: DType, shape: readonly number[], values: readonly number[]): Ref =>
    e.stored(name, dtype, shape, arrayOf(dtype, values.length, values));
  const both = (): Ref | undefined => {
    if (!bias && !inner) return undefined;
    const none = new Array<number>(gates.length * units).fill(0);
    const own = bias ? rows({ ...bias, shape: [bias.shape[0]!, 1] }) : none;
    const hidden = inner ? [...none.slice(units), ...Array.from(inner.data as Float32Array)] : none;
    const { name } = (bias ?? inner)!;
    return store(name, 'f32', [1, 2 * none.length], [...own, ...hidden]);
  };
  const initial = parts.inits.map((init) =>
    isZero(init, e) ? undefined : e.op('Unsqueeze', [e.ref(init), e.integers([0])]),
  );
  const taken = [
    inputs.x,
    store(weight.name, 'f32', [1, ...weight.shape], rows(weight)),
    store(recurrent.name, 'f32', [1, ...recurrent.shape], rows(recurrent)),
    both(),
    inputs.lengths,
    ...initial,
  ];
  const [all, ...last] = e.ops(
    onnx,
    taken,
    { hidden_size: units, ...(parts.reverse && { direction: 'reverse' }), ...attributes },
    1 + parts.carryInputs.length,
  );
  const states = last.map((state) => e.op('Squeeze', [state, e.integers([0])]));
  const stacked = parts.stacks.map(() => e.op('Squeeze', [all!, e.integers([1])]));
  return [...states, ...stacked];
}

function isZero(value: Value, e: Emitter): boolean {
  const node = e.definition(value);
  return node?.op === 'constant' && (node.attrs['values'] as readonly number[]).every((each) => each === 0);
}
