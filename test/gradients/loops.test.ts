/** Gradients of loops: equal to those of the loop written out, truncated, of second order; what is kept, and what is not. */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { SpecError } from '../../compiler/diagnostics/errors';
import { Builder } from '../../compiler/ir/builder';
import type { Graph, Node, Value } from '../../compiler/ir/graph';
import { scanParts } from '../../compiler/ops/families/regions';
import { tensorType } from '../../compiler/ir/types';
import type { RefTensor } from '../../compiler/ops/define';
import { dce } from '../../compiler/passes/dce';
import { DEFAULT_FACTS } from '../../compiler/passes/define';
import { interpret } from '../../compiler/reference/interpret';
import { compareDerivatives } from '../support/finite-differences';
import { loopCase, lstm, lstmStep, times, weighted, type LoopParts } from '../support/loops';
import { pointOf } from '../support/networks';

/** Forward and backward loop, without what nobody reads. */
function scansOf(graph: Graph): readonly Node[] {
  return dce.run(graph, DEFAULT_FACTS).nodes.filter(({ op }) => op === 'scan');
}

function expectSame(found: Readonly<Record<string, RefTensor>>, expected: Readonly<Record<string, RefTensor>>): void {
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [name, { data }] of Object.entries(expected)) {
    const worst = data.reduce((most, x, i) => Math.max(most, Math.abs(x - (found[name]?.data[i] ?? NaN))), 0);
    expect([name, worst < 1e-12, worst]).toEqual([name, true, worst]);
  }
}

/** `lstm` with a copy of its body for each step. */
function unrolled({ b, m, parameter }: Pick<LoopParts, 'b' | 'm' | 'parameter'>, extents: readonly number[]): Value {
  const [steps = 0, batch = 0, inputs = 0, units = 0] = extents;
  const weights = [
    parameter('w', inputs, 4 * units),
    parameter('u', units, 4 * units),
    parameter('bias', 4 * units),
  ] as const;
  let [h, c] = [parameter('h0', batch, units), parameter('c0', batch, units)];
  const x = parameter('x', steps, batch, inputs);
  const stack: Value[] = [];
  for (let t = 0; t < steps; t++) {
    const bounds = { starts: [t, 0, 0], limits: [t + 1, batch, inputs], strides: [1, 1, 1] };
    const slice = b.op('reshape', [b.op('slice', [x], bounds)], { shape: [batch, inputs] });
    ({ h, c } = lstmStep(b, slice, h, c, weights));
    stack.push(b.op('reshape', [h], { shape: [1, batch, units] }));
  }
  return m.add(weighted(b, b.op('concat', stack, { axis: 0 })), weighted(b, c));
}

describe('an lstm', () => {
  const extents = [6, 3, 2, 5];
  const looped = (): Graph => loopCase('lstm', (net) => lstm(net, extents)).graph;

  test('has the gradients of its steps written out', () => {
    const flat = loopCase('steps', (net) =>
      unrolled({ b: net.b, m: net.m, parameter: (...given) => net.parameter(...given) }, extents),
    ).graph;
    const { inputs, states } = pointOf(flat);
    expectSame(interpret(looped(), inputs, states).results, interpret(flat, inputs, states).results);
  });

  test('keeps its gates and carried values, and sums no weight gradient step by step', () => {
    const [forward, backward] = scansOf(looped()) as [Node, Node];
    const kept = scanParts(forward).stepResults.slice(1);
    const definitions = new Map(scanParts(forward).body.nodes.map((node) => [node.outputs[0], node.op]));
    const ops = kept.map((value) => definitions.get(value) ?? 'carried').sort();
    expect(ops).toEqual(['carried', 'carried', 'sigmoid', 'sigmoid', 'sigmoid', 'tanh']);
    const parts = scanParts(backward);
    // The gradients of h and c, and nothing the size of a weight.
    expect(parts.inits.map(({ type }) => type.shape)).toEqual([
      [3, 5],
      [3, 5],
    ]);
    expect(parts.reverse).toBe(true);
  });

  test('keeps nothing but its carried values when checkpointed', () => {
    const graph = loopCase('lstm', (net) => lstm(net, extents, { checkpoint: true })).graph;
    const [forward, backward] = scansOf(graph) as [Node, Node];
    const { stepResults, carryInputs } = scanParts(forward);
    expect(stepResults.slice(1).every((value) => carryInputs.includes(value))).toBe(true);
    expect(scanParts(backward).body.nodes.some(({ op }) => op === 'sigmoid')).toBe(true);
    const { inputs, states } = pointOf(looped());
    expectSame(interpret(graph, inputs, states).results, interpret(looped(), inputs, states).results);
  });
});

describe('a truncated loop', () => {
  /** The steps `from` … `to` of a recurrence, whose start is no longer part of the gradient. */
  const chunk = (net: LoopParts, x: Value, h: Value, w: Value, truncate?: number, reverse = false) =>
    net.b.scan({
      init: [h],
      sequences: [x],
      reverse,
      ...(truncate === undefined ? {} : { truncate }),
      body: (sub, [before], [slice]) => {
        const next = sub.op('tanh', [sub.op('add', [times(sub, before!, w), slice!])]);
        return { carries: [next], outputs: [next] };
      },
    });

  test.each([
    [2, 6],
    [3, 7],
    [1, 3],
    [9, 4],
  ])('of %i in %i steps has the gradients of its pieces', (truncate, steps) => {
    for (const reverse of [false, true]) {
      const whole = loopCase('whole', (net) => {
        const [h, w, x] = [net.parameter('h', 2, 3), net.parameter('w', 3, 3), net.parameter('x', steps, 2, 3)];
        return weighted(net.b, chunk(net, x, h, w, truncate, reverse).outputs[0]!);
      }).graph;
      // Pieces: the start of each is what the one before gave, as a number (a detour over a state without gradient).
      const b = new Builder('pieces');
      const state = (name: string, ...shape: number[]): Value => b.state(name, tensorType('f32', shape), 'parameter');
      const [h0, w, x] = [state('h', 2, 3), state('w', 3, 3), state('x', steps, 2, 3)];
      const starts: Value[] = [];
      const net = { b } as unknown as LoopParts;
      const outputs: Value[] = [];
      let h = h0;
      for (let from = 0; from < steps; from += truncate) {
        const to = Math.min(steps, from + truncate);
        const [low, high] = reverse ? [steps - to, steps - from] : [from, to];
        const bounds = { starts: [low, 0, 0], limits: [high, 2, 3], strides: [1, 1, 1] };
        const start = from === 0 ? h0 : b.input(`start${from}`, h0.type);
        starts.push(start);
        const made = chunk(net, b.op('slice', [x], bounds), start, w, undefined, reverse);
        if (reverse) outputs.unshift(made.outputs[0]!);
        else outputs.push(made.outputs[0]!);
        h = made.carries[0]!;
        b.result(`end${to}`, h);
      }
      const loss = weighted(b, b.op('concat', outputs, { axis: 0 }));
      b.result('loss', loss);
      differentiate(b, loss, [h0, w, x]).forEach((gradient, i) => b.result(`d${i}`, gradient!));
      const pieces = b.build();

      const { inputs, states } = pointOf(whole);
      const feeds: Record<string, RefTensor> = { ...inputs };
      for (const { name, type } of pieces.inputs) feeds[name] = { type, data: new Float64Array(6) };
      for (const { name } of pieces.inputs) {
        feeds[name] = interpret(pieces, feeds, states).results[name.replace('start', 'end')]!;
      }
      const expected = Object.entries(interpret(pieces, feeds, states).results).filter(
        ([name]) => !name.startsWith('end'),
      );
      expectSame(interpret(whole, inputs, states).results, Object.fromEntries(expected));
    }
  });
});

test('a loop is differentiated twice', () => {
  const b = new Builder('second order');
  const w = b.input('w', tensorType('f32', [3, 3]));
  const x = b.input('x', tensorType('f32', [4, 2, 3]));
  const { outputs } = b.scan({
    init: [b.full(0.25, [2, 3])],
    sequences: [x],
    body: (sub, [h], [slice]) => {
      const next = sub.op('sin', [sub.op('add', [times(sub, h!, w), slice!])]);
      return { carries: [next], outputs: [next] };
    },
  });
  const [dx] = differentiate(b, weighted(b, outputs[0]!), [x]);
  const penalty = b.op('reduce_sum', [b.op('square', [dx!])], { axes: [0, 1, 2], keepdims: false });
  b.result('penalty', penalty);
  const [dw] = differentiate(b, penalty, [w]);
  b.result('dw', dw!);
  const graph = b.build();
  const { inputs } = pointOf(graph);
  const at = (tensors: readonly RefTensor[]) => interpret(graph, { w: tensors[0]!, x: tensors[1]! }).results;
  const point = [inputs['w']!, inputs['x']!];
  const found = compareDerivatives(
    (tensors) => at(tensors)['penalty']?.data[0] ?? NaN,
    point,
    [0],
    [at(point)['dw']?.data],
  );
  expect(found.filter(({ expected, found: slope, allowed }) => !(Math.abs(expected - slope) <= allowed))).toEqual([]);
});

test('a value that the loss does not reach through the loop has no gradient', () => {
  const b = new Builder('g');
  const [x, y] = [b.input('x', tensorType('f32', [3])), b.input('y', tensorType('f32', [3]))];
  const { carries } = b.scan({
    init: [x, y],
    length: 2,
    body: (sub, [p, q]) => ({ carries: [sub.op('sin', [p!]), sub.op('cos', [q!])] }),
  });
  const [dx, dy] = differentiate(b, weighted(b, carries[0]!), [x, y]);
  b.result('dx', dx!);
  b.result('dy', dy ?? b.full(0, [3]));
  const given = { x: Float64Array.of(1, 2, 3), y: Float64Array.of(1, 2, 3) };
  expect(interpret(b.build(), given).results['dy']?.data.every((x) => x === 0)).toBe(true);
});

test('a gradient through a while is refused where the model says so', () => {
  const b = new Builder('g');
  const x = b.input('x', tensorType('f32', [3]));
  b.origin = { layer: 'settle', at: { file: 'm.yaml', line: 4, column: 9, length: 5 }, via: [] };
  const { carries } = b.while({
    init: [x],
    limit: 3,
    condition: (sub) => sub.full(1, [], 'bool'),
    body: (sub, [y]) => [sub.op('sin', [y!])],
  });
  const loss = weighted(b, carries[0]!);
  expect(() => differentiate(b, loss, [x])).toThrow(SpecError);
  expect(() => differentiate(b, loss, [x])).toThrow('m.yaml:4:9: error: `settle` has no gradient (`while`)');
});
