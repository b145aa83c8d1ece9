/** What is computed again under a memory budget, as text before and after. */
import type { Graph } from '../../compiler/ir/graph';
import { recomputedIn } from '../../compiler/passes/again';
import { cse } from '../../compiler/passes/cse';
import { DEFAULT_FACTS } from '../../compiler/passes/define';
import { recompute } from '../../compiler/passes/recompute';
import { runPipeline } from '../../compiler/pipeline';
import { planMemory } from '../../compiler/plan/build';
import { after, graphOf, textOf, tidy } from './text';

/** Bytes of one f32[64,64]. */
const TENSOR = 64 * 64 * 4;
/** What is smaller is aligned. */
const SMALL = 64;

const attrs = '{transpose_a: false, transpose_b: false} : f32[64,64]';
const turned = '{transpose_a: true, transpose_b: false} : f32[64,64]';
/** Forward a … e, backward f … i, which reads them in reverse. */
const FORWARD = `graph g(%x: f32[64,64], %rng: i64[2]) {
  state @w: f32[64,64] parameter
  %a = softmax(%x) {axis: 1} : f32[64,64]
  %b = dropout(%a, %rng) {rate: 0.5, stream: 1} : f32[64,64]
  %c = matmul(%b, @w) ${attrs}
  %d = softmax(%c) {axis: 1} : f32[64,64]
  %e = matmul(%d, %d) ${attrs}
  %f = matmul(%e, %d) ${turned}`;
const STEP = `${FORWARD}
  %g = matmul(%f, %c) ${turned}
  %h = matmul(%b, %g) ${turned}
  %i = matmul(%h, %a) ${turned}
  update @w = %i
  return
}`;

/** The budget for so many tensors beside @w. */
const memoryFor = (tensors: number): number => (1 + tensors) * TENSOR + SMALL;
const arenaOf = (graph: Graph): number => planMemory(graph).arena.bytes;

test('without a budget, or with one that is kept to, the graph stays as it is', () => {
  const graph = graphOf(STEP);
  expect(arenaOf(graph)).toBe(6 * TENSOR);
  expect(recompute.run(graph, DEFAULT_FACTS)).toBe(graph);
  expect(recompute.run(graph, { ...DEFAULT_FACTS, memory: memoryFor(6) })).toBe(graph);
});

test('the cheapest result that is enough is computed again right before its reader, a mask too', () => {
  expect(after(recompute, STEP, { memory: memoryFor(5) })).toBe(
    tidy(`${FORWARD}
      %g = matmul(%f, %c) ${turned}
      %b.again = dropout(%a, %rng) {rate: 0.5, stream: 1} : f32[64,64]
      %h = matmul(%b.again, %g) ${turned}
      %i = matmul(%h, %a) ${turned}
      update @w = %i
      return
    }`),
  );
});

test('what is computed again may be so twice, and in chains', () => {
  const fitted = recompute.run(graphOf(STEP), { ...DEFAULT_FACTS, memory: memoryFor(4) });
  expect(arenaOf(fitted)).toBeLessThanOrEqual(4 * TENSOR + SMALL);
  const again = textOf(fitted)
    .split('\n')
    .filter((line) => line.includes('.again'));
  expect(again.slice(0, 3)).toEqual([
    '%b.again = dropout(%a, %rng) {rate: 0.5, stream: 1} : f32[64,64]',
    `%c.again = matmul(%b.again, @w) ${attrs}`,
    `%g = matmul(%f, %c.again) ${turned}`,
  ]);
  expect(again[3]).toBe('%b.again_1 = dropout(%a, %rng) {rate: 0.5, stream: 1} : f32[64,64]');
  expect(recomputedIn(fitted).steps).toBe(3);
});

test('where nothing fits, the smallest graph found is given', () => {
  const least = recompute.run(graphOf(STEP), { ...DEFAULT_FACTS, memory: TENSOR });
  expect(arenaOf(least)).toBe(4 * TENSOR + SMALL);
});

const X = 'f32[4,16,64]';

test('batch statistics are kept, and views go with what they show', () => {
  const rows = '{transpose_a: false, transpose_b: true} : f32[64,64]';
  const forward = `graph g(%x: ${X}) {
    state @gamma: f32[16] parameter
    %c = softmax(%x) {axis: 2} : ${X}
    %y, %m, %v = batch_norm_train(%c, @gamma, @gamma) {epsilon: 0.001} : ${X}, f32[16], f32[16]
    %r = reshape(%y) {shape: [64,64]} : f32[64,64]
    %d = matmul(%r, %r) ${attrs}
    %e = matmul(%d, %d) ${attrs}
    %f = matmul(%e, %d) ${attrs}`;
  const backward = `%dy = reshape(%g) {shape: [4,16,64]} : ${X}
    %dx, %dgamma, %dbeta = batch_norm_grad(%dy, %c, @gamma, %m, %v) {epsilon: 0.001} : ${X}, f32[16], f32[16]
    update @gamma = %dgamma
    return dx: %dx
  }`;
  const before = `${forward}
    %g = matmul(%f, %r) ${rows}
    ${backward}`;
  expect(after(recompute, before, { memory: 4 * TENSOR + 8 * SMALL })).toBe(
    tidy(`${forward}
      %y.again, %m.again, %v.again = batch_norm_train(%c, @gamma, @gamma) {epsilon: 0.001} : ${X}, f32[16], f32[16]
      %r.again = reshape(%y.again) {shape: [64,64]} : f32[64,64]
      %g = matmul(%f, %r.again) ${rows}
      ${backward}`),
  );
});

test('results, and what can fail, are never computed again', () => {
  const graph = graphOf(`graph g(%x: f32[64,64], %i: i32[64]) {
    state @w: f32[64,64] parameter
    %a = gather(%x, %i) {axis: 0, batch_dims: 0} : f32[64,64]
    %b = softmax(%a) {axis: 1} : f32[64,64]
    %c = matmul(%b, %b) ${attrs}
    %d = matmul(%c, %c) ${attrs}
    %e = matmul(%d, %c) ${attrs}
    %f = matmul(%e, %a) ${attrs}
    %g = matmul(%f, %b) ${attrs}
    update @w = %g
    return b: %b
  }`);
  expect(recompute.run(graph, { ...DEFAULT_FACTS, memory: 1 })).toBe(graph);
});

test('graphs without updates are left alone: nothing in them waits for a backward pass', () => {
  const text = STEP.replace('update @w = %i\n  return', 'return i: %i');
  const graph = graphOf(text);
  expect(recompute.run(graph, { ...DEFAULT_FACTS, memory: 1 })).toBe(graph);
});

test('it stands last in the pipeline: comparing expressions would undo it', () => {
  const facts = { ...DEFAULT_FACTS, memory: memoryFor(5) };
  const { graph, stages } = runPipeline(graphOf(STEP), { facts });
  expect(stages.at(-1)?.pass).toBe('recompute');
  expect(recomputedIn(graph).steps).toBeGreaterThan(0);
  expect(recomputedIn(cse.run(graph, facts)).steps).toBe(0);
  expect(recomputedIn(runPipeline(graphOf(STEP), { facts, disable: ['recompute'] }).graph).steps).toBe(0);
});
