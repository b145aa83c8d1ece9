/**
 * RNN, GRU and LSTM as our recurrent layers, their gates in our order. What those have no words for (a clip of the sums,
 * functions of their own for the cell's output, `ThresholdedRelu`, `ScaledTanh`, `Affine`) becomes a `scan` of one step.
 */
import type { Json } from '../../../../frontend/spec';
import { ELEM } from '../../../formats/onnx/types';
import { fixed, type Emitter } from '../emitter';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import { isSymbolic, sameExtents, type Value } from '../value';
import { functionsOf, type Activation } from './activations';
import { loopOf } from './recurrent-loop';

export type Kind = 'rnn' | 'gru' | 'lstm';

interface Family {
  readonly kind: Kind;
  /** Where each of our gates is among those of ONNX. */
  readonly gates: readonly number[];
  /** The same of peepholes. */
  readonly peepholes?: readonly number[];
  readonly words?: string;
  readonly activations: readonly string[];
}

const FAMILIES: Readonly<Record<string, Family>> = {
  RNN: { kind: 'rnn', gates: [0], activations: ['Tanh'] },
  GRU: { kind: 'gru', gates: [1, 0, 2], words: 'r, z, n', activations: ['Sigmoid', 'Tanh'] },
  LSTM: {
    kind: 'lstm',
    gates: [0, 2, 3, 1],
    peepholes: [0, 2, 1],
    words: 'i, f, g, o',
    activations: ['Sigmoid', 'Tanh', 'Tanh'],
  },
};

/** What one direction is made of. */
export interface Direction {
  readonly kind: Kind;
  readonly units: number;
  readonly reverse: boolean;
  /** By the names of our parameters. */
  readonly params: Readonly<Record<string, Value | undefined>>;
  readonly functions: readonly Activation[];
  readonly clip: number | undefined;
  readonly resetAfter: boolean;
}

/** The inputs beside the sequence, in our layout. */
export interface Given {
  readonly x: Value;
  readonly lengths: Value | undefined;
  /** [N, units] of one direction, [N, directions, units] of both. */
  readonly h: Value | undefined;
  readonly c: Value | undefined;
}

/** [N, T, units], and the states after the last step, [N, units]; of both directions beside each other. */
export interface Looped {
  readonly sequence: Value;
  readonly h: Value;
  readonly c: Value | undefined;
}

const recurrent =
  (family: Family): Handler =>
  (node) => {
    const { e } = node;
    const batchFirst = node.flag('layout');
    const x = batchFirst ? e.float(node.in(0)) : e.permute(e.float(node.in(0)), [1, 0, 2]);
    if (x.shape.length !== 3) refuse(`takes a sequence of ${x.shape.length} axes, which has 3`);
    const [batch, steps] = x.shape as [number, number, number];
    if (isSymbolic(steps))
      refuse('runs along an axis that is open: sequences here have a fixed length', shapeHint(node));
    const directions = directionsOf(node, family, x.shape[2]!);
    const [units] = [directions[0]!.units];
    const given: Given = {
      x,
      lengths: lengthsOf(node, batch, steps),
      h: stateOf(node, 5, directions.length, batch, units),
      c: family.kind === 'lstm' ? stateOf(node, 6, directions.length, batch, units) : undefined,
    };
    const { sequence, h, c } = run(e, directions, given);
    const own = (value: Value): Value => e.reshape(value, [batch, directions.length, units]);
    const split = (value: Value): Value => {
      if (directions.length === 1)
        return batchFirst ? e.reshape(value, [batch, steps, 1, units]) : insert(e, e.permute(value, [1, 0, 2]), 1);
      const wide = e.reshape(value, [batch, steps, 2, units]);
      return batchFirst ? wide : e.permute(wide, [1, 2, 0, 3]);
    };
    const state = (value: Value): Value => {
      if (batchFirst) return own(value);
      return directions.length === 1 ? insert(e, value, 0) : e.permute(own(value), [1, 0, 2]);
    };
    const typed = (value: Value): Value => ({ ...value, elem: node.in(0).elem });
    // What nobody reads leaves no layers.
    return [
      node.wants(0) ? typed(split(sequence)) : undefined,
      node.wants(1) ? typed(state(h)) : undefined,
      c && node.wants(2) ? typed(state(c)) : undefined,
    ];
  };

function insert(e: Emitter, x: Value, axis: number): Value {
  const shape = x.shape.toSpliced(axis, 0, 1);
  return e.layer('expand_dims', [x], { axis }, { shape });
}

function shapeHint(node: Node): string {
  const sources = node.sources(0);
  return sources.map((name) => `say it with \`--shape ${name}=…\``).join(', ');
}

function directionsOf(node: Node, family: Family, features: number): Direction[] {
  const { e } = node;
  const { kind, gates } = family;
  const word = node.text('direction', 'forward');
  const reverses = DIRECTIONS[word] ?? refuse(`has the direction \`${word}\``);
  if (node.flag('input_forget')) refuse('couples its input and forget gates (`input_forget`)');
  const [weight, hidden, bias, peephole] = [
    node.in(1),
    node.in(2),
    node.maybe(3),
    kind === 'lstm' ? node.maybe(7) : undefined,
  ];
  const units = hidden.shape[2] ?? refuse('has recurrent weights of fewer than 3 axes');
  const rows = gates.length * units;
  const D = reverses.length;
  const wanted: readonly [Value | undefined, readonly number[], string][] = [
    [weight, [D, rows, features], 'weights'],
    [hidden, [D, rows, units], 'recurrent weights'],
    [bias, [D, 2 * rows], 'biases'],
    [peephole, [D, 3 * units], 'peepholes'],
  ];
  for (const [value, shape, what] of wanted) {
    if (value && !sameExtents(value.shape, shape))
      refuse(`has ${what} of [${e.show(value.shape)}], which would be [${shape.join(', ')}]`);
  }
  const functions = functionsOf(node, family.activations, D);
  const clip = node.has('clip') ? node.float('clip', 0) : undefined;
  const resetAfter = node.flag('linear_before_reset');
  return reverses.map((reverse, d) => {
    const own = (value: Value | undefined): Value | undefined =>
      value && e.reshape(e.slice(value, 0, d, 1), value.shape.slice(1));
    const ordered = (value: Value | undefined, order: readonly number[]): Value | undefined =>
      value && blocks(e, value, order, units, family.words);
    const both = own(bias);
    const params: Record<string, Value | undefined> = {
      weight_input: ordered(own(weight), gates),
      weight_hidden: ordered(own(hidden), gates),
      ...(both && !isZero(both) ? biases(e, both, family, units, resetAfter) : {}),
    };
    const peep = own(peephole);
    if (peep && !isZero(peep)) params.weight_peephole = e.reshape(ordered(peep, family.peepholes!)!, [3, units]);
    return { kind, units, reverse, params, functions: functions[d]!, clip, resetAfter };
  });
}

const DIRECTIONS: Readonly<Record<string, readonly boolean[]>> = {
  forward: [false],
  reverse: [true],
  bidirectional: [false, true],
};

/** Both biases as one; a GRU keeps apart what the reset gate acts on. */
function biases(e: Emitter, both: Value, family: Family, units: number, resetAfter: boolean): Record<string, Value> {
  const { kind, gates, words } = family;
  const rows = gates.length * units;
  const [input, hidden] = [e.slice(both, 0, 0, rows), e.slice(both, 0, rows, rows)].map((half) =>
    blocks(e, half, gates, units, words),
  ) as [Value, Value];
  if (kind !== 'gru' || !resetAfter) return { bias: sum(e, input, hidden) };
  const front = sum(e, e.slice(input, 0, 0, 2 * units), e.slice(hidden, 0, 0, 2 * units));
  const candidate = e.slice(input, 0, 2 * units, units);
  return { bias: e.concat([front, candidate], 0), bias_hidden: e.slice(hidden, 0, 2 * units, units) };
}

function sum(e: Emitter, a: Value, b: Value): Value {
  if (a.known === undefined || b.known === undefined) return e.merge('add', [e.float(a), e.float(b)]);
  const known = Float32Array.from(a.known, (x, i) => x + b.known![i]!);
  return { ...a, known, changed: 'both biases as one' };
}

/** Blocks of rows in another order. */
function blocks(e: Emitter, value: Value, order: readonly number[], units: number, words: string | undefined): Value {
  if (order.every((at, i) => at === i)) return value;
  const made = e.concat(
    order.map((at) => e.slice(value, 0, at * units, units)),
    0,
  );
  return value.known === undefined ? made : { ...made, changed: `gates in the order ${words!}` };
}

/** Of whole sequences there are no lengths to tell. */
function lengthsOf(node: Node, batch: number, steps: number): Value | undefined {
  const { e } = node;
  const lengths = node.maybe(4);
  if (lengths === undefined) return undefined;
  if (lengths.known?.every((length) => length >= steps)) return undefined;
  if (!sameExtents(lengths.shape, [batch]))
    refuse(`has lengths of [${e.show(lengths.shape)}] for [${e.show([batch])}]`);
  return e.index(lengths);
}

/** A state before the first step, without the axis of directions where there is one of them; zeros are none. */
function stateOf(node: Node, index: number, directions: number, batch: number, units: number): Value | undefined {
  const { e } = node;
  const value = node.maybe(index);
  if (value === undefined || isZero(value)) return undefined;
  const layout = node.flag('layout');
  const first = layout ? value : e.permute(value, [1, 0, 2]);
  // One state for all samples: the batch of 1 that a file was written with.
  const whole = e.broadcastTo(first, [batch, directions, units]);
  return e.float(directions === 1 ? e.reshape(whole, [batch, units]) : whole);
}

const FILLERS = new Set([
  'broadcast_to',
  'reshape',
  'flatten',
  'permute',
  'slice',
  'expand_dims',
  'squeeze',
  'concat',
  'cast',
]);

/** Whether a tensor is zeros throughout: known ones, or those that layers fill. */
function isZero(value: Value): boolean {
  if (value.known !== undefined) return value.known.every((number) => number === 0);
  const layer = value.from && 'layer' in value.from ? value.from.layer : undefined;
  if (layer === undefined) return false;
  if (layer.type === 'constant') return layer.fields.value === 0;
  return FILLERS.has(layer.type) && layer.inputs.every(isZero);
}

/** All directions, as one layer where that says it. */
function run(e: Emitter, directions: readonly Direction[], given: Given): Looped {
  const [first, second] = directions as readonly [Direction, Direction | undefined];
  if (second === undefined) return one(e, first, given);
  const known = [first, second].every(({ params }) =>
    Object.values(params).every((value) => value?.known !== undefined),
  );
  const alike = JSON.stringify(first.functions) === JSON.stringify(second.functions);
  const same = JSON.stringify(Object.keys(first.params)) === JSON.stringify(Object.keys(second.params));
  if (known && alike && same && hasWords(first)) {
    const params = {
      ...first.params,
      ...Object.fromEntries(Object.entries(second.params).map(([name, value]) => [`${name}_reverse`, value])),
    };
    return layerOf(e, { ...first, params }, given, true);
  }
  const [n, , units] = [given.x.shape[0]!, 2, first.units];
  const before = (state: Value | undefined, d: number): Value | undefined =>
    state && e.reshape(e.slice(state, 1, d, 1), [n, units]);
  const made = directions.map((direction, d) =>
    one(e, direction, { ...given, h: before(given.h, d), c: before(given.c, d) }),
  );
  const beside = (values: readonly (Value | undefined)[]): Value | undefined =>
    values[0] &&
    e.concat(
      values.map((value) => e.reshape(value!, [n, 1, units])),
      1,
    );
  return {
    sequence: e.concat(
      made.map(({ sequence }) => sequence),
      2,
    ),
    h: beside(made.map(({ h }) => h))!,
    c: beside(made.map(({ c }) => c)),
  };
}

function one(e: Emitter, direction: Direction, given: Given): Looped {
  return hasWords(direction) ? layerOf(e, direction, given, false) : loopOf(e, direction, given);
}

/** Whether our layer says it all. */
function hasWords({ clip, functions }: Direction): boolean {
  const [, candidate, cell] = functions;
  const apart = cell !== undefined && JSON.stringify(cell.word) !== JSON.stringify(candidate!.word);
  return clip === undefined && !apart && functions.every(({ word }) => word !== undefined);
}

const DEFAULTS: readonly Json[] = ['sigmoid', 'tanh'];

function layerOf(e: Emitter, direction: Direction, given: Given, both: boolean): Looped {
  const { kind, units, functions, reverse, params, resetAfter } = direction;
  const words = functions.map(({ word }) => word!);
  const [gate, act] = kind === 'rnn' ? ['sigmoid', words[0]!] : (words as [Json, Json]);
  const extra = (['h', 'c', 'lengths'] as const).filter((role) => given[role] !== undefined);
  const fields = {
    units,
    ...(gate === DEFAULTS[0] ? {} : { recurrent_activation: gate }),
    ...(act === DEFAULTS[1] ? {} : { activation: act }),
    ...(kind === 'gru' && !resetAfter ? { reset_after: false } : {}),
    ...(params.bias === undefined ? { bias: false } : {}),
    ...(params.weight_peephole === undefined ? {} : { peephole: true }),
    ...(both ? { bidirectional: true } : reverse ? { reverse: true } : {}),
    ...(extra.length > 0 ? { extra_inputs: extra } : {}),
  };
  const [n, t] = fixedSteps(given.x);
  const made = e.weighted(
    kind,
    [given.x, ...extra.map((role) => given[role]!)],
    fields,
    { shape: [n, t, both ? 2 * units : units], elem: ELEM.float },
    params,
  );
  const shape = both ? [n, 2, units] : [n, units];
  return {
    sequence: made,
    h: e.further(made, 'h', { shape }),
    c: kind === 'lstm' ? e.further(made, 'c', { shape }) : undefined,
  };
}

function fixedSteps(x: Value): [number, number] {
  return [x.shape[0]!, fixed([x.shape[1]!])[0]!];
}

export const RECURRENTS: Handlers = Object.fromEntries(
  Object.entries(FAMILIES).map(([op, family]) => [op, recurrent(family)]),
);
