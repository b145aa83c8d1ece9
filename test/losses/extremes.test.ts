/** Losses far from zero and exactly on it, natively in float32: neither they nor their gradients overflow or lose a number. */
import { runPipeline } from '../../compiler/pipeline';
import { runNatively } from '../support/native';
import { lossGraph, type LossCase, type LossTensor } from '../support/loss';
import { CASES } from './cases';

/** Whose first input is a probability. */
const OF_PROBABILITIES = new Set([
  'cross_entropy from probabilities',
  'multinomial_logistic',
  'binary_cross_entropy probabilities',
  'dice keras',
  'kl_divergence',
]);

/** e to the power of the prediction, or of its square, is what they are: beyond 88 there is no such number. */
const EXPONENTIAL = new Set(['poisson', 'poisson plain']);

const names = Object.keys(CASES);

function withFirst(given: LossCase, values: readonly number[]): LossCase {
  const [first, ...rest] = given.inputs as readonly [LossTensor, ...LossTensor[]];
  const drawn = first.values.map((_, i) => values[i % values.length]!);
  return { ...given, inputs: [{ ...first, values: drawn }, ...rest] };
}

async function notFinite(given: LossCase): Promise<string[]> {
  const { graph, feeds } = lossGraph(given);
  const { results } = await runNatively(runPipeline(graph).graph, feeds);
  return Object.entries(results).flatMap(([name, data]) =>
    Array.from(data, Number).every(Number.isFinite) ? [] : [name],
  );
}

const SCORED = names.filter((name) => !OF_PROBABILITIES.has(name) && !EXPONENTIAL.has(name));

test.each(SCORED)('%s, of great predictions', async (name) => {
  expect(await notFinite(withFirst(CASES[name]!, [1000, -1000, 88, -104, 0, 17, -1]))).toEqual([]);
});

test.each(SCORED)('%s, of predictions that are all the same', async (name) => {
  expect(await notFinite(withFirst(CASES[name]!, [0]))).toEqual([]);
});

test.each([...OF_PROBABILITIES])('%s, of certainties', async (name) => {
  expect(await notFinite(withFirst(CASES[name]!, [0, 1, 1, 0, 0, 1, 0]))).toEqual([]);
});

/** Whose second input is like the first. */
const isPaired = ({ inputs: [first, second] }: LossCase): boolean =>
  second !== undefined && second.dtype === undefined && second.values.length === first?.values.length;

test.each(names.filter((name) => isPaired(CASES[name]!)))('%s, of two that are equal', async (name) => {
  const given = CASES[name]!;
  const [first, second, ...rest] = given.inputs as readonly [LossTensor, LossTensor, ...LossTensor[]];
  expect(await notFinite({ ...given, inputs: [first, { ...second, values: first.values }, ...rest] })).toEqual([]);
});

test.each([1e-3, 1e-5])('log_cosh keeps the digits of an error of %f', async (error) => {
  const { graph, feeds } = lossGraph({
    type: 'log_cosh',
    inputs: [
      { shape: [1], values: [error] },
      { shape: [1], values: [0] },
    ],
  });
  const { results } = await runNatively(runPipeline(graph).graph, feeds);
  expect(Number(results['loss']?.[0]) / (error ** 2 / 2)).toBeCloseTo(1, 5);
  expect(Number(results['d_in0']?.[0]) / error).toBeCloseTo(1, 5);
});
