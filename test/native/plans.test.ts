/** Plans of random graphs on the real runtime: memory, in-place kernels and state updates as the planner laid them out. */
import fc from 'fast-check';
import type { Graph, Value } from '../../compiler/ir/graph';
import { runPipeline } from '../../compiler/pipeline';
import type { RefTensor } from '../../compiler/ops/define';
import { interpret } from '../../compiler/reference/interpret';
import { feedsFor, randomGraph } from '../plan/random-graph';
import { difference, runNatively } from '../support/native';

/** Where float32 can land on the other side of a step (or of a tiny variance), no tolerance helps. */
const UNSTEADY: ReadonlySet<string> = new Set(['greater', 'less_equal', 'batch_norm_train']);
const steadyGraph = randomGraph.filter((graph) => !graph.nodes.some((node) => UNSTEADY.has(node.op)));

function tensorsFor(values: readonly Value[], seed: number): Record<string, RefTensor> {
  const feeds = feedsFor(values, seed);
  return Object.fromEntries(
    values.map(({ name, type }) => [name, { type, data: Float64Array.from(feeds[name] ?? [], Math.fround) }]),
  );
}

async function expectSameNumbers(graph: Graph, compiled: Graph): Promise<void> {
  const inputs = tensorsFor(graph.inputs, 1);
  const states = tensorsFor(
    graph.states.map((state) => state.value),
    2,
  );
  const expected = interpret(graph, inputs, states);
  const found = await runNatively(compiled, inputs, states, 2);
  for (const [name, tensor] of Object.entries(expected.results)) {
    expect([name, difference(found.results[name], tensor, 2e-4)]).toEqual([name, undefined]);
  }
  for (const [name, tensor] of Object.entries({ ...states, ...expected.updates })) {
    expect([name, difference(found.states[name], tensor, 2e-4)]).toEqual([name, undefined]);
  }
}

describe('plans on the native runtime', () => {
  it('compute what the reference does, as lowered', async () => {
    await fc.assert(
      fc.asyncProperty(steadyGraph, (graph) => expectSameNumbers(graph, graph)),
      { numRuns: 150, seed: 60 },
    );
  });

  it('compute what the reference does, optimized', async () => {
    await fc.assert(
      fc.asyncProperty(steadyGraph, (graph) => expectSameNumbers(graph, runPipeline(graph).graph)),
      { numRuns: 150, seed: 61 },
    );
  });
});
