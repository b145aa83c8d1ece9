/** The passes together keep the numbers, whatever is left out, and find nothing more to do in what they made. */
import fc from 'fast-check';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileGraphs } from '../../compiler/compile';
import { UsageError } from '../../compiler/diagnostics/errors';
import type { Graph } from '../../compiler/ir/graph';
import { parseGraph } from '../../compiler/ir/parse';
import { PIPELINE, runPipeline } from '../../compiler/pipeline';
import { interpret } from '../../compiler/reference/interpret';
import { feedsFor, randomGraph } from '../plan/random-graph';
import { graphOf } from './text';

function numbersOf(graph: Graph): number[] {
  const states = graph.states.map((state) => state.value);
  const { results, updates } = interpret(graph, feedsFor(graph.inputs, 5), feedsFor(states, 6));
  return [...Object.values(results), ...Object.values(updates)].flatMap((tensor) => [...tensor.data]);
}

function expectSameNumbers(before: Graph, after: Graph): void {
  const expected = numbersOf(before);
  const found = numbersOf(after);
  expect(found).toHaveLength(expected.length);
  found.forEach((number, i) => {
    const wanted = expected[i] as number;
    expect(Math.abs(number - wanted)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(wanted)));
  });
}

const SMALL = `graph g(%x: f32[4]) {
  %one = constant() {dtype: "f32", shape: [], values: [1]} : f32[]
  %a = mul(%x, %one) : f32[4]
  %b = exp(%a) : f32[4]
  %c = exp(%a) : f32[4]
  %d = add(%b, %c) : f32[4]
  return y: %d
}`;

describe('the pipeline', () => {
  it('keeps the numbers of random graphs', () => {
    fc.assert(
      fc.property(randomGraph, (graph) => expectSameNumbers(graph, runPipeline(graph).graph)),
      { numRuns: 300, seed: 40 },
    );
  });

  it.each([...new Set(PIPELINE.map((pass) => pass.name))])('keeps the numbers without %s, and after it', (name) => {
    fc.assert(
      fc.property(randomGraph, (graph) => {
        expectSameNumbers(graph, runPipeline(graph, { disable: [name] }).graph);
        expectSameNumbers(graph, runPipeline(graph, { after: name }).graph);
      }),
      { numRuns: 40, seed: 41 },
    );
  });

  it('finds nothing more to do in what it made', () => {
    fc.assert(
      fc.property(randomGraph, (graph) => {
        const once = runPipeline(graph).graph;
        expect(runPipeline(once).graph).toBe(once);
      }),
      { numRuns: 60, seed: 42 },
    );
  });

  it('tells which passes changed something and how many nodes were left', () => {
    const { stages } = runPipeline(graphOf(SMALL));
    expect(stages.map(({ pass }) => pass)).toEqual(PIPELINE.map(({ name }) => name));
    expect(stages.filter(({ changed }) => changed).map(({ pass, nodes }) => [pass, nodes])).toEqual([
      ['canonicalize', 4],
      ['dce', 3],
      ['cse', 2],
      ['fuse_elementwise', 1],
    ]);
  });

  it('stops after a pass and leaves passes out', () => {
    expect(runPipeline(graphOf(SMALL), { after: 'dce' }).stages.at(-1)?.pass).toBe('dce');
    const unfused = runPipeline(graphOf(SMALL), { disable: ['fuse_elementwise'] }).graph;
    expect(unfused.nodes.map((node) => node.op)).toEqual(['exp', 'add']);
  });

  it('knows its passes by name', () => {
    expect(() => runPipeline(graphOf(SMALL), { after: 'fuse' })).toThrow(UsageError);
    expect(() => runPipeline(graphOf(SMALL), { disable: ['fuse'] })).toThrow("no pass is called 'fuse'");
  });

  it('writes the graph after every pass that changed it where DLC_DUMP says', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dlc-dump-'));
    process.env['DLC_DUMP'] = folder;
    try {
      compileGraphs('test', { predict: graphOf(SMALL) });
      const files = readdirSync(join(folder, 'predict'));
      expect(files.map((file) => file.replace(/^\d+-/, ''))).toEqual([
        'input.ir',
        'canonicalize.ir',
        'dce.ir',
        'cse.ir',
        'fuse_elementwise.ir',
      ]);
      const last = readFileSync(join(folder, 'predict', files.at(-1) ?? ''), 'utf8');
      expect(parseGraph(last)).toEqual(runPipeline(graphOf(SMALL)).graph);
    } finally {
      delete process.env['DLC_DUMP'];
      rmSync(folder, { recursive: true });
    }
  });
});
