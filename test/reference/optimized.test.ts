/** What the passes make of a training step computes what the step as lowered computes, to the rounding of float64. */
import type { Graph } from '../../compiler/ir/graph';
import { PIPELINE, runPipeline } from '../../compiler/pipeline';
import { interpret, type Interpretation } from '../../compiler/reference/interpret';
import { pointOf, trainingSteps } from '../support/networks';

function expectSame(optimized: Interpretation, plain: Interpretation): void {
  for (const part of ['results', 'updates'] as const) {
    expect(Object.keys(optimized[part])).toEqual(Object.keys(plain[part]));
    for (const [name, { type, data }] of Object.entries(plain[part])) {
      const found = optimized[part][name];
      expect([name, found?.type]).toEqual([name, type]);
      const scale = data.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-6);
      const worst = data.reduce((most, x, i) => Math.max(most, Math.abs(x - (found?.data[i] ?? NaN))), 0);
      expect([name, worst <= 1e-11 * scale, worst]).toEqual([name, true, worst]);
    }
  }
}

function at(graph: Graph, original: Graph): Interpretation {
  const { inputs, states } = pointOf(original);
  return interpret(graph, inputs, states);
}

describe.each(trainingSteps().map((network) => [network.name, network.graph] as const))(
  'the step %s',
  (_name, graph) => {
    test('computes the same after all passes', () => {
      const { graph: optimized } = runPipeline(graph);
      expect(optimized.nodes.length).toBeLessThan(graph.nodes.length);
      expectSame(at(optimized, graph), at(graph, graph));
    });

    test.each([...new Set(PIPELINE.map((pass) => pass.name))])('computes the same without the pass %s', (pass) => {
      expectSame(at(runPipeline(graph, { disable: [pass] }).graph, graph), at(graph, graph));
    });

    test('is optimized to the same graph twice', () => {
      const first = runPipeline(graph).graph;
      expect(runPipeline(graph).graph).toEqual(first);
    });
  },
);
