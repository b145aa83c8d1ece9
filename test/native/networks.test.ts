/** Whole training steps natively, optimized and as lowered, against the float64 reference: results and state updates. */
import { runPipeline } from '../../compiler/pipeline';
import { interpret } from '../../compiler/reference/interpret';
import { difference, runNatively } from '../support/native';
import { pointOf, trainingSteps } from '../support/networks';

describe.each(trainingSteps().map((network) => [network.name, network.graph] as const))(
  'the step %s',
  (_name, graph) => {
    const { inputs, states } = pointOf(graph);
    const expected = interpret(graph, inputs, states);

    test.each([
      ['optimized', runPipeline(graph).graph],
      ['as lowered', graph],
    ])('computes natively what the reference does, %s', async (_how, compiled) => {
      const found = await runNatively(compiled, inputs, states, 2);
      for (const [name, tensor] of Object.entries(expected.results)) {
        expect([name, difference(found.results[name], tensor, 1e-5)]).toEqual([name, undefined]);
      }
      for (const { value } of graph.states) {
        const after = expected.updates[value.name] ?? states[value.name];
        expect([value.name, after && difference(found.states[value.name], after, 1e-5)]).toEqual([
          value.name,
          undefined,
        ]);
      }
    });

    test('gives the same bytes at any number of threads', async () => {
      const { graph: optimized } = runPipeline(graph);
      const once = await runNatively(optimized, inputs, states, 1);
      for (const threads of [2, 4]) expect(await runNatively(optimized, inputs, states, threads)).toEqual(once);
    });
  },
);
