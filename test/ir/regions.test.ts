/** Building ops with regions: what a body sees, what is captured and what is computed outside; what is refused. */
import { InternalError } from '../../compiler/diagnostics/errors';
import { Builder, InferenceError } from '../../compiler/ir/builder';
import type { Graph, Node, Value } from '../../compiler/ir/graph';
import { tensorType, type Shape } from '../../compiler/ir/types';
import { verifyGraph } from '../../compiler/ir/verify';
import { costOf } from '../../compiler/ops/cost';
import { interpret } from '../../compiler/reference/interpret';
import { times } from '../support/loops';

const f32 = (...shape: Shape) => tensorType('f32', shape);

function opsIn(graph: Graph | Node | undefined): string[] {
  const nodes = graph && ('nodes' in graph ? graph.nodes : graph.regions?.[0]?.nodes);
  return nodes?.map(({ op }) => op) ?? [];
}

describe('what a body uses of the builder around it', () => {
  test('is captured once, states and values of builders further out too', () => {
    const b = new Builder('g');
    const x = b.input('x', f32(2, 3));
    const { carries } = b.scan({
      init: [x],
      length: 3,
      body: (sub, [h]) => {
        const w = sub.state('layer.weight', f32(3, 3), 'parameter');
        const inner = sub.scan({
          init: [h!],
          length: 2,
          body: (deep, [y]) => ({ carries: [deep.op('add', [deep.op('add', [times(deep, y!, w), x]), x])] }),
        });
        return { carries: [sub.op('add', [inner.carries[0]!, x])] };
      },
    });
    b.result('y', carries[0]!);
    const graph = b.build();
    verifyGraph(graph, 'the test');
    expect(graph.states.map(({ value }) => value.name)).toEqual(['layer.weight']);
    const [outer] = graph.nodes;
    expect(outer?.inputs.map(({ name }) => name)).toEqual(['layer.weight', 'x', 'x']);
    expect(outer?.attrs).toMatchObject({ consts: 2, carries: 1, length: 3 });
    const inner = outer?.regions?.[0]?.nodes.find(({ op }) => op === 'scan');
    expect(inner?.attrs).toMatchObject({ consts: 2, carries: 1, length: 2 });
    // One product and two sums in each of two steps, and a sum: three times over.
    expect(costOf(outer!).flops).toBe(3 * (2 * (2 * 2 * 3 * 3 + 6 + 6) + 6));
  });

  test('is copied if it is a constant', () => {
    const b = new Builder('g');
    const [x, half] = [b.input('x', f32(3)), b.full(0.5)];
    b.scan({ init: [x], length: 3, body: (sub, [h]) => ({ carries: [sub.op('mul', [h!, half])] }) });
    const scan = b.nodes.at(-1);
    expect(scan?.inputs).toEqual([x]);
    expect(opsIn(scan)).toEqual(['constant', 'mul']);
  });

  test('is computed outside where every step would compute the same', () => {
    const b = new Builder('g');
    const [x, w] = [b.input('x', f32(2, 3)), b.input('w', f32(3, 3))];
    b.scan({
      init: [x],
      length: 3,
      body: (sub, [h]) => {
        const scaled = sub.op('mul', [sub.op('transpose', [w], { perm: [1, 0] }), sub.full(2)]);
        return { carries: [times(sub, sub.op('tanh', [h!]), scaled)] };
      },
    });
    expect(opsIn({ ...b.build(), nodes: b.nodes })).toEqual(['transpose', 'constant', 'mul', 'scan']);
    expect(opsIn(b.nodes.at(-1))).toEqual(['tanh', 'matmul']);
  });

  test('stays inside where it may fail, for there may be no step', () => {
    const b = new Builder('g');
    const [x, y] = [b.input('x', f32(3)), b.input('y', f32(3))];
    const body = (sub: Builder, [h]: readonly Value[]) => ({
      carries: [sub.op('add', [h!, sub.op('check_finite', [y], { what: 'y' })])],
    });
    b.scan({ init: [x], length: 0, body });
    expect(opsIn(b.nodes.at(-1))).toEqual(['check_finite', 'add']);
  });
});

test('a body may hand on what it was given, or anything from outside', () => {
  const b = new Builder('g');
  const [x, y, p] = [b.input('x', f32(2)), b.input('y', f32(2)), b.input('p', tensorType('bool', []))];
  const looped = b.scan({ init: [x], length: 2, body: (_sub, [h]) => ({ carries: [y], outputs: [h!] }) });
  const chosen = b.cond(
    p,
    () => [x, y],
    () => [y, x],
  );
  [...looped.carries, ...looped.outputs, ...chosen].forEach((value, i) => b.result(`r${i}`, value));
  const graph = b.build();
  verifyGraph(graph, 'the test');
  const { results } = interpret(graph, { x: Float64Array.of(1, 2), y: Float64Array.of(3, 4), p: Float64Array.of(0) });
  const found = Object.values(results).map(({ data }) => [...data]);
  expect(found).toEqual([
    [3, 4],
    [1, 2, 3, 4],
    [3, 4],
    [1, 2],
  ]);
});

describe('what does not fit', () => {
  const b = new Builder('g');
  const x = b.input('x', f32(2, 3));
  const p = b.input('p', tensorType('bool', []));
  const keep = (_sub: Builder, carries: readonly Value[]) => ({ carries });
  test.each<[string, () => unknown]>([
    [
      'scan: carried value 0 is f32[2,3] before a step and f32[2] after it',
      () =>
        b.scan({
          init: [x],
          length: 2,
          body: (sub, [h]) => ({ carries: [sub.op('reduce_sum', [h!], { axes: [1], keepdims: false })] }),
        }),
    ],
    [
      'scan: a step gives 0 carried values, and there are 1',
      () => b.scan({ init: [x], length: 2, body: () => ({ carries: [] }) }),
    ],
    ['scan: it has no sequence and no length', () => b.scan({ init: [x], body: keep })],
    [
      'scan: the sequence f32[2,3] has 2 steps, expected 5 steps along axis 0',
      () => b.scan({ length: 5, sequences: [x], body: keep }),
    ],
    [
      "scan: attribute 'truncate' is 0, expected an integer of at least 1",
      () => b.scan({ init: [x], length: 2, truncate: 0, body: keep }),
    ],
    [
      'cond: the predicate is f32[2,3], expected bool[]',
      () =>
        b.cond(
          x,
          () => [x],
          () => [x],
        ),
    ],
    [
      'cond: the branches give (f32[2,3]) and (bool[]), expected the same types',
      () =>
        b.cond(
          p,
          () => [x],
          () => [p],
        ),
    ],
    [
      'while: the condition gives (f32[2,3]), expected one bool[]',
      () => b.while({ init: [x], limit: 3, condition: (_sub, [y]) => y!, body: (_sub, [y]) => [y!] }),
    ],
    [
      'while: carried value 0 is f32[2,3] before a step and bool[] after it',
      () => b.while({ init: [x], limit: 3, condition: () => p, body: () => [p] }),
    ],
  ])('%s', (message, make) => {
    expect(make).toThrow(InferenceError);
    expect(make).toThrow(message);
  });

  test('a state is not updated in a region', () => {
    const w = b.state('w', f32(2, 3), 'buffer');
    const body = (sub: Builder, carries: readonly Value[]) => {
      sub.update(w, carries[0]!);
      return { carries };
    };
    expect(() => b.scan({ init: [x], length: 2, body })).toThrow(InternalError);
  });
});

test('fold_rng gives each step numbers of its own, the same every time', () => {
  const b = new Builder('g');
  const rng = b.input('rng', tensorType('i64', [2]));
  const { outputs } = b.scan({
    length: 50,
    body: (sub, _carries, _slices, index) => ({ carries: [], outputs: [sub.op('fold_rng', [rng, index])] }),
  });
  b.result('rngs', outputs[0]!);
  const { data } = interpret(b.build(), { rng: Float64Array.of(7, 3) }).results['rngs']!;
  const pairs = Array.from({ length: 50 }, (_, i) => `${data[2 * i]},${data[2 * i + 1]}`);
  expect(new Set(pairs).size).toBe(50);
  expect(data.every((word, i) => word >= 0 && word < (i % 2 === 0 ? 2 ** 53 : 2 ** 32))).toBe(true);
});
