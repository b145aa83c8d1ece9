/** Loops and conditions with their gradients: finite differences, passes, plan and kernels, on one list of graphs. */
import { verifyGraph } from '../../compiler/ir/verify';
import { parseGraph } from '../../compiler/ir/parse';
import { printGraph } from '../../compiler/ir/print';
import { PIPELINE, runPipeline } from '../../compiler/pipeline';
import { planPrograms } from '../../compiler/plan/build';
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
