/** Loops and conditions with their gradients: finite differences, passes, plan and kernels, on one list of graphs. */
import { Builder } from '../../compiler/ir/builder';
import { tensorType } from '../../compiler/ir/types';
import { verifyGraph } from '../../compiler/ir/verify';
import { parseGraph } from '../../compiler/ir/parse';
import { printGraph } from '../../compiler/ir/print';
import { PIPELINE, runPipeline } from '../../compiler/pipeline';
import { planPrograms } from '../../compiler/plan/build';
import { encodePlan } from '../../compiler/plan/encode';
import { plannedBytes } from '../../compiler/plan/plan';
import { interpret } from '../../compiler/reference/interpret';
import { runPlan } from '../plan/run-plan';
import { compareDerivatives } from '../support/finite-differences';
import { loopCases } from '../support/loops';
import { difference, runNatively, runtimeWith } from '../support/native';
import { pointOf } from '../support/networks';

beforeAll(() => void runtimeWith(1));

describe.each(loopCases().map((each) => [each.name, each] as const))('%s', (_name, { graph, parameters }) => {
  const { inputs, states } = pointOf(graph);
  const expected = interpret(graph, inputs, states).results;
  const optimized = runPipeline(graph).graph;

  test('is well formed and reads back from its text', () => {
    verifyGraph(graph, 'the test');
    expect(parseGraph(printGraph(graph))).toEqual(graph);
    expect(parseGraph(printGraph(optimized))).toEqual(optimized);
  });

  test('has the gradients that finite differences give', () => {
    const forward = { ...graph, results: graph.results.slice(0, 1) };
    const derivatives = compareDerivatives(
      (tensors) => {
        const given = Object.fromEntries(parameters.map(({ name }, i) => [name, tensors[i]!]));
        return interpret(forward, inputs, given).results['loss']?.data[0] ?? NaN;
      },
      parameters.map(({ name }) => states[name]!),
      parameters.map((_, i) => i),
      parameters.map((_, i) => expected[`d${i}`]?.data),
    );
    expect(derivatives.filter(({ expected: slope, found, allowed }) => !(Math.abs(slope - found) <= allowed))).toEqual(
      [],
    );
  });

  test.each(['every pass', ...new Set(PIPELINE.map((pass) => pass.name))])(
    'computes the same after passes, without %s',
    (pass) => {
      const disable = pass === 'every pass' ? [] : [pass];
      const found = interpret(runPipeline(graph, { disable }).graph, inputs, states).results;
      for (const [name, tensor] of Object.entries(expected)) {
        expect([name, difference(found[name]?.data as unknown as Float32Array, tensor, 1e-11)]).toEqual([
          name,
          undefined,
        ]);
      }
    },
  );

  test.each([
    ['as lowered', graph],
    ['optimized', optimized],
  ])('is planned without overwriting what is still read, %s', (_how, compiled) => {
    const plan = planPrograms('test', { run: compiled });
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data]));
    const held = Object.fromEntries(Object.entries(states).map(([name, { data }]) => [name, data]));
    const found = runPlan(plan, plan.programs[0]!, feeds, held).results;
    for (const [name, tensor] of Object.entries(expected)) {
      expect([
        name,
        difference(Float64Array.from(found[name] ?? []) as unknown as Float32Array, tensor, 1e-11),
      ]).toEqual([name, undefined]);
    }
  });

  test.each([
    ['as lowered', graph],
    ['optimized', optimized],
  ])('computes natively what the reference does, %s', async (_how, compiled) => {
    const found = await runNatively(compiled, inputs, states);
    for (const [name, tensor] of Object.entries(expected)) {
      expect([name, difference(found.results[name], tensor, 2e-5)]).toEqual([name, undefined]);
    }
    expect(await runNatively(compiled, inputs, states, 3)).toEqual(found);
  });
});

describe('a chain that goes on from step to step', () => {
  // The carried value is a state; the loop reads it, and goes on in its place.
  const b = new Builder('chain');
  const rng = b.input('rng', tensorType('i64', [2]));
  const chain = b.state('chain', tensorType('f32', [3, 5]), 'buffer');
  const w = b.state('w', tensorType('f32', [5, 5]), 'parameter');
  const { carries } = b.scan({
    init: [chain],
    length: 4,
    body: (sub, [x], _slices, index) => {
      const own = sub.op('fold_rng', [rng, index]);
      const noise = sub.op('random_uniform', [own], { shape: [3, 5], low: 0, high: 1, stream: 3 });
      const next = sub.op('sigmoid', [sub.op('matmul', [x!, w], { transpose_a: false, transpose_b: true })]);
      return { carries: [sub.op('cast', [sub.op('greater', [next, noise])], { dtype: 'f32' })] };
    },
  });
  b.update(chain, carries[0]!);
  b.result('mean', b.op('reduce_sum', [carries[0]!], { axes: [0, 1], keepdims: false }));
  const graph = b.build();

  test.each([
    ['as lowered', graph],
    ['optimized', runPipeline(graph).graph],
  ])('is carried in the memory of its state, %s', async (_how, compiled) => {
    const plan = planPrograms('test', { run: compiled });
    const [program] = plan.programs;
    const loop = program!.steps.find(({ op }) => op === 'scan')!;
    const [carried] = loop.outputs.map((index) => program!.tensors[index]);
    expect(carried?.space).toBe('state');
    const { inputs, states } = pointOf(graph);
    const expected = interpret(graph, inputs, states);
    const found = await runNatively(compiled, inputs, states);
    expect(difference(found.states['chain'], expected.updates['chain']!, 1e-6)).toBeUndefined();
    expect(difference(found.results['mean'], expected.results['mean']!, 1e-6)).toBeUndefined();
  });
});

test('memory is what the plan says, with loops in loops', () => {
  const [largest] = [...loopCases()].sort((a, b) => b.graph.nodes.length - a.graph.nodes.length);
  const plan = planPrograms('test', { run: largest!.graph });
  const session = runtimeWith(1).createSession(encodePlan(plan), plan);
  const { allocatedBytes } = session.memory();
  expect(allocatedBytes).toBe(plannedBytes(plan, plan.programs[0]!));
  session.close();
});

test.each(['run', 'trace'] as const)('a failure in a loop is told by the layer inside, by %s', async (how) => {
  const b = new Builder('failing');
  const x = b.input('x', tensorType('f32', [2]));
  const at = (layer: string, line: number) => ({ layer, at: { file: 'm.yaml', line, column: 3, length: 1 }, via: [] });
  b.origin = at('loop', 5);
  const { carries } = b.scan({
    init: [x],
    length: 6,
    body: (sub, [h]) => {
      sub.origin = at('loop/grow', 8);
      const grown = sub.op('exp', [h!]);
      sub.origin = at('loop/check', 9);
      return { carries: [sub.op('check_finite', [grown], { what: 'what has grown' })] };
    },
  });
  b.result('y', carries[0]!);
  const plan = planPrograms('test', { run: b.build() });
  const session = runtimeWith(1).createSession(encodePlan(plan), plan);
  const feeds = { x: Float32Array.of(1, 2) };
  const result = how === 'run' ? await session.run('run', 1, feeds) : await session.trace('run', feeds);
  session.close();
  const [layer, line, op] = how === 'run' ? ['loop/check', 9, 'check_finite'] : ['loop/grow', 8, 'fused_elementwise'];
  expect(result).toMatchObject({ ok: false, kind: 'non-finite', op, origin: { layer, at: { line } } });
});

test('what a step computes leaves the sequence as it was', async () => {
  const b = new Builder('sequences');
  const xs = b.input('xs', tensorType('f32', [3, 2, 4]));
  const flags = { transpose_a: false, transpose_b: true };
  const { outputs } = b.scan({
    sequences: [xs],
    // The exponential could lie on the slice, which is not read again.
    body: (sub, _carries, [x]) => ({
      carries: [],
      outputs: [sub.op('matmul', [sub.op('exp', [x!]), b.full(0.5, [3, 4])], flags)],
    }),
  });
  b.result('ys', outputs[0]!);
  b.result('zs', b.op('neg', [xs]));
  const graph = b.build();
  const data = Float64Array.from({ length: 24 }, (_, i) => i / 8 - 1);
  const found = await runNatively(graph, { xs: { type: xs.type, data } });
  expect(found.results['zs']).toEqual(Float32Array.from(data, (x) => -x));
  const [ys] = Object.values(interpret(graph, { xs: { type: xs.type, data } }).results);
  expect(difference(found.results['ys'], ys!, 1e-5)).toBeUndefined();
});
