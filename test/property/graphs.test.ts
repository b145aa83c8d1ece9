/**
 * Random graphs of all ops: the reference, the reference of the optimized graph, and the runtime on both, with one
 * thread and with several, compute the same; gradients are the slopes. `DLC_PROPERTY_RUNS` and `DLC_PROPERTY_SEED`
 * ask for more and for others; a failure is made as small as it gets and printed as a graph.
 */
import fc from 'fast-check';
import type { Graph } from '../../compiler/ir/graph';
import { OpDataError, type RefTensor } from '../../compiler/ops/define';
import { runPipeline } from '../../compiler/pipeline';
import { interpret, type Interpretation } from '../../compiler/reference/interpret';
import { difference, runNatively } from '../support/native';
import { CHOICES, directionOf, moved, registryGraph, type Case } from './registry-graph';

const RUNS = Number(process.env['DLC_PROPERTY_RUNS'] ?? 2000);
const SEED = Number(process.env['DLC_PROPERTY_SEED'] ?? 1);
/** Tests of their own, for two processes and for messages that name the seed. */
const PARTS = 10;

/** Chains of ops in float32 against float64, relative to the largest number of each tensor. */
const NATIVE = 2e-3;
/** What is folded is rounded to float32, as the runtime would. */
const OPTIMIZED = 1e-5;
const SLOPE = 1e-4;

function tensorsOf({ results, updates }: Interpretation): [string, RefTensor][] {
  return [
    ...Object.entries(results),
    ...Object.entries(updates).map(([name, t]): [string, RefTensor] => [`@${name}`, t]),
  ];
}

async function mistakesOf(one: Case): Promise<string[]> {
  const { graph, feeds, states } = one;
  let expected: Interpretation;
  try {
    expected = interpret(graph, feeds, states);
  } catch (error) {
    // A computed label out of range: nothing to compare.
    if (error instanceof OpDataError) return [];
    throw error;
  }
  const wrong = slopeMistakes(one, expected);
  const optimized = runPipeline(graph).graph;
  const again = new Map(tensorsOf(interpret(optimized, feeds, states)));
  for (const [name, tensor] of tensorsOf(expected)) {
    const problem = difference(again.get(name)?.data, tensor, OPTIMIZED);
    if (problem !== undefined) wrong.push(`${name}, optimized: ${problem}`);
  }
  wrong.push(...(await nativeMistakes(graph, one, expected, 'as built')));
  wrong.push(...(await nativeMistakes(optimized, one, expected, 'optimized')));
  return wrong;
}

async function nativeMistakes(graph: Graph, { feeds, states }: Case, expected: Interpretation, how: string) {
  const [run, alone] = [await runNatively(graph, feeds, states, 2), await runNatively(graph, feeds, states, 1)];
  const wrong: string[] = [];
  for (const [name, tensor] of tensorsOf(expected)) {
    const at = ({ results, states: held }: typeof run) => (name.startsWith('@') ? held[name.slice(1)] : results[name]);
    const problem = difference(at(run), tensor, NATIVE);
    if (problem !== undefined) wrong.push(`${name}, natively, ${how}: ${problem}`);
    const same = Buffer.compare(bytesOf(at(run)), bytesOf(at(alone))) === 0;
    if (!same) wrong.push(`${name}, natively, ${how}: two threads give other bytes than one`);
  }
  return wrong;
}

function bytesOf(data: ArrayBufferView | undefined): Uint8Array {
  return data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array();
}

/** Along one direction of all inputs at once. */
function slopeMistakes({ graph, feeds, states, wrt, differentiable }: Case, { results }: Interpretation): string[] {
  if (wrt.length === 0 || !differentiable) return [];
  const at = (h: number): number =>
    interpret(graph, moved(feeds, wrt, h), moved(states, wrt, h)).results['objective']?.data[0] ?? NaN;
  const slope = (h: number): number => (at(h) - at(-h)) / (2 * h);
  const expected = (4 * slope(1e-5) - slope(2e-5)) / 3;
  const terms = wrt.flatMap((name) => {
    const gradient = results[`d_${name}`]?.data;
    if (!gradient) return [];
    const direction = directionOf(name, gradient.length);
    return [...gradient].map((g, i) => g * direction[i]!);
  });
  const found = terms.reduce((sum, term) => sum + term, 0);
  const size = terms.reduce((sum, term) => sum + Math.abs(term), 0);
  const allowed = SLOPE * Math.max(size, Math.abs(expected), 1e-2);
  return Math.abs(found - expected) <= allowed ? [] : [`the slope: ${found} instead of ${expected}`];
}

test.each([...Array(PARTS).keys()])(
  'random graphs compute the same however they are run, part %i',
  async (part) => {
    const property = fc.asyncProperty(registryGraph, async (one) => {
      const wrong = await mistakesOf(one);
      if (wrong.length > 0) throw new Error(wrong.join('\n'));
    });
    await fc.assert(property, {
      numRuns: Math.ceil(RUNS / PARTS),
      seed: SEED * 1000 + part,
      interruptAfterTimeLimit: 500_000,
    });
  },
  600_000,
);

test('nearly every op is small enough to be among them', () => {
  expect(CHOICES.length).toBeGreaterThan(100);
});
