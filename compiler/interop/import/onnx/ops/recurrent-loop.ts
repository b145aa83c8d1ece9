/** A direction of a recurrent operator as a `scan`: one step in formulas, the inputs projected before the loop. */
import { ELEM } from '../../../formats/onnx/types';
import { Emitter } from '../emitter';
import type { Value } from '../value';
import { applied } from './activations';
import type { Direction, Given, Looped } from './recurrent';
import { parts } from './shape';

type States = readonly Value[];

export function loopOf(e: Emitter, direction: Direction, given: Given): Looped {
  const { kind, units, params, reverse } = direction;
  const { x, lengths } = given;
  const [n, t] = x.shape as [number, number];
  const gates = GATES[kind];
  const projected = e.weighted(
    'dense',
    [x],
    { units: gates * units, axis: -1, ...(params.bias === undefined ? { bias: false } : {}) },
    { shape: [n, t, gates * units] },
    { weight: params.weight_input, bias: params.bias },
  );
  const start = (state: Value | undefined): Value => state ?? e.filled([n, units], 0, ELEM.float);
  const starts = kind === 'lstm' ? [start(given.h), start(given.c)] : [start(given.h)];
  const names = ['h', 'c'].slice(0, starts.length);
  const inputs: { readonly name: string; readonly value: Value; readonly inside: readonly number[] }[] = [
    { name: 'x', value: projected, inside: [n, gates * units] },
    ...(lengths === undefined ? [] : [{ name: 'valid', value: validSteps(e, lengths, x), inside: [n, 1] }]),
    ...starts.map((value, i) => ({ name: names[i]!, value, inside: [n, units] })),
    ...Object.entries(params).flatMap(([name, value]) =>
      value === undefined || value.known !== undefined || name === 'weight_input' || name === 'bias'
        ? []
        : [{ name, value: e.float(value), inside: value.shape }],
    ),
  ];
  const inner = new Emitter(e);
  Object.assign(inner, { node: e.node, wish: e.wish });
  const named = new Map(
    inputs.map(({ name, value, inside }): [string, Value] => [
      name,
      { elem: ELEM.float, dtype: value.dtype, shape: inside, from: { input: name } },
    ]),
  );
  const own = {
    ...direction,
    params: { ...params, ...Object.fromEntries([...named].filter(([name]) => name in params)) },
  };
  const before = names.map((name) => named.get(name)!);
  const stepped = STEPS[kind](inner, own, named.get('x')!, before);
  const valid = named.get('valid');
  // A step of padding leaves the states as they are, and gives zeros.
  const next =
    valid === undefined ? stepped : stepped.map((state, i) => inner.expr('where(a, b, c)', [valid, state, before[i]!]));
  const output = valid === undefined ? next[0]! : inner.expr('where(a, b, 0)', [valid, stepped[0]!]);
  const outputs = [
    { name: 'output', value: output },
    ...next.map((value, i) => ({ name: `next_${names[i]!}`, value })),
  ];
  const sequence = e.layer(
    'scan',
    inputs.map(({ value }) => value),
    {
      sequences: inputs.flatMap(({ name }) => (name === 'x' || name === 'valid' ? [name] : [])),
      carry: Object.fromEntries(names.map((name) => [name, `next_${name}`])),
      ...(reverse ? { reverse: true } : {}),
    },
    {
      shape: [n, t, units],
      elem: ELEM.float,
      bodies: { body: { inputs: inputs.map(({ name }) => name), layers: inner.layers, outputs } },
    },
  );
  const final = (name: string): Value => e.further(sequence, `final_${name}`, { shape: [n, units] });
  return { sequence, h: final('h'), c: kind === 'lstm' ? final('c') : undefined };
}

const GATES = { rnn: 1, gru: 3, lstm: 4 } as const;

function validSteps(e: Emitter, lengths: Value, x: Value): Value {
  const [n, t] = x.shape as [number, number];
  const mask = e.layer('sequence_mask', [lengths], { length: t }, { shape: [n, t], elem: ELEM.bool });
  return e.reshape(mask, [n, t, 1]);
}

type Step = (e: Emitter, direction: Direction, x: Value, states: States) => States;

const STEPS: Readonly<Record<Direction['kind'], Step>> = {
  rnn: (e, direction, x, [h]) => [gate(e, direction, 0, 'a + b', [x, product(e, direction, h!)])],
  gru: (e, direction, x, [h]) => {
    const { units, params, resetAfter } = direction;
    const [r, z, n] = cut(e, x, 3, units);
    const own = product(e, direction, h!);
    const [hr, hz, hn] = cut(e, own, 3, units);
    const reset = gate(e, direction, 0, 'a + b', [r!, hr!]);
    const update = gate(e, direction, 0, 'a + b', [z!, hz!]);
    const inside = params.bias_hidden;
    const recalled = resetAfter
      ? inside === undefined
        ? e.merge('mul', [reset, hn!])
        : e.expr('a * (b + c)', [reset, hn!, inside])
      : cut(e, product(e, direction, e.merge('mul', [reset, h!])), 3, units)[2]!;
    const candidate = gate(e, direction, 1, 'a + b', [n!, recalled]);
    return [e.expr('(1 - a) * b + a * c', [update, candidate, h!])];
  },
  lstm: (e, direction, x, [h, c]) => {
    const { units, params, functions } = direction;
    const sums = cut(e, e.merge('add', [x, product(e, direction, h!)]), 4, units);
    const peephole = params.weight_peephole;
    const gated = (at: number, row: number, cell: Value): Value =>
      peephole === undefined
        ? gate(e, direction, 0, 'a', [sums[at]!])
        : gate(e, direction, 0, 'a + b * c', [sums[at]!, e.slice(peephole, 0, row, 1), cell]);
    const [input, forget] = [gated(0, 0, c!), gated(1, 1, c!)];
    const candidate = gate(e, direction, 1, 'a', [sums[2]!]);
    const cell = e.expr('a * b + c * d', [forget, c!, input, candidate]);
    const output = gated(3, 2, cell);
    return [e.expr(`a * (${applied(functions[2]!, '(b)')})`, [output, cell]), cell];
  },
};

/** A function of a sum, which is held within the clip before. */
function gate(e: Emitter, { functions, clip }: Direction, which: number, sum: string, values: readonly Value[]): Value {
  const held = clip === undefined ? `(${sum})` : `clip(${sum}, ${-clip}, ${clip})`;
  const formula = applied(functions[which]!, held);
  return e.expr(values.length === 1 ? formula.replaceAll(/\ba\b/g, 'x') : formula, values);
}

function product(e: Emitter, { kind, units, params }: Direction, h: Value): Value {
  const rows = GATES[kind] * units;
  return e.weighted(
    'dense',
    [h],
    { units: rows, bias: false },
    { shape: [h.shape[0]!, rows] },
    { weight: params.weight_hidden },
  );
}

function cut(e: Emitter, x: Value, count: number, units: number): Value[] {
  return parts(e, x, 1, Array<number>(count).fill(units));
}
