/** What a loss divides by: weights, ignored labels, and the five ways to normalize; the same for every loss of terms. */
import type { LossDef } from '../../compiler/losses/define';
import { LOSSES } from '../../compiler/losses/index';
import { lossProblem, runLoss, type LossTensor } from '../support/loss';

/** Errors 1, 2, 3, 4, 5, 6 of two samples of three. */
const PREDICTION: LossTensor = { shape: [2, 3], values: [1, 2, 3, 4, 5, 6] };
const ZEROS: LossTensor = { shape: [2, 3], values: [0, 0, 0, 0, 0, 0] };

const mae = (normalization: string, weights?: LossTensor) =>
  runLoss({
    type: 'mae',
    fields: { normalization },
    inputs: [PREDICTION, ZEROS, ...(weights ? [weights] : [])],
    wrt: [0],
  });

test.each([
  ['mean', 21, 6],
  ['valid', 21, 6],
  ['full', 21, 6],
  ['batch', 21, 2],
  ['sum', 21, 1],
])('%s without weights: %d / %d', (normalization, sum, count) => {
  const found = mae(normalization);
  expect(found).toMatchObject({ sum, count });
  expect(found.loss).toBeCloseTo(sum / count, 12);
  expect(found.gradients[0]![0]).toBeCloseTo(1 / count, 12);
});

test.each([
  ['mean', 4.5, 3],
  ['valid', 6, 3],
  ['full', 6, 6],
  ['batch', 2, 2],
  ['sum', 1, 1],
])('%s with a weight for each sample divides by %d, or by %d where the first has none', (normalization, half, none) => {
  expect(mae(normalization, { shape: [2], values: [0.5, 1] })).toMatchObject({ sum: 18, count: half });
  expect(mae(normalization, { shape: [2], values: [0, 1] })).toMatchObject({ sum: 15, count: none });
});

test.each<[string, LossTensor, number, number]>([
  ['each element', { shape: [2, 3], values: [1, 0, 0, 0, 0, 2] }, 13, 3],
  ['each sample, as a column', { shape: [2, 1], values: [2, 0] }, 12, 6],
  ['a mask of bools', { shape: [2, 3], values: [1, 1, 0, 0, 0, 0], dtype: 'bool' }, 3, 2],
  ['integers', { shape: [2], values: [0, 3], dtype: 'int32' }, 45, 9],
  ['bytes', { shape: [2], values: [1, 0], dtype: 'uint8' }, 6, 3],
])('weights may be %s', (_what, weights, sum, count) => {
  expect(mae('mean', weights)).toMatchObject({ sum, count });
});

test('weights of nothing give a loss of 0, with gradients of 0', () => {
  const found = mae('mean', { shape: [2], values: [0, 0] });
  expect(found.loss).toBe(0);
  expect(found.gradients[0]).toEqual([0, 0, 0, 0, 0, 0]);
});

test.each([
  ['another axis', [2, 2]],
  ['more axes', [2, 3, 2]],
])('weights of %s are refused', (_what, shape) => {
  const values = new Array<number>(shape.reduce((product, extent) => product * extent, 1)).fill(1);
  expect(lossProblem({ type: 'mae', inputs: [PREDICTION, ZEROS, { shape, values }] })).toMatch(
    /`l` \(mae\): its last input, the weights, should have the leading axes of its terms, \[2, 3\]/,
  );
});

test('an unknown normalization is refused at the field', () => {
  expect(lossProblem({ type: 'mae', fields: { normalization: 'median' }, inputs: [PREDICTION, ZEROS] })).toMatch(
    /normalization/,
  );
});

describe('ignored labels', () => {
  const scores: LossTensor = { shape: [4, 2], values: [0, 0, 0, 0, 0, 0, 0, 0] };
  const labels: LossTensor = { shape: [4], values: [0, 1, 9, 1], dtype: 'int32' };
  const each = Math.log(2);
  const run = (fields: Record<string, string | readonly number[]>, weights?: readonly number[]) =>
    runLoss({
      type: 'cross_entropy',
      fields: { ignore_index: 9, ...fields },
      inputs: [scores, labels, ...(weights ? [{ shape: [4], values: weights }] : [])],
    });

  test.each([
    ['mean', 3],
    ['valid', 3],
    ['full', 4],
    ['batch', 4],
    ['sum', 1],
  ])('%s divides by %d', (normalization, count) => {
    const found = run({ normalization });
    expect(found.sum).toBeCloseTo(3 * each, 12);
    expect(found.count).toBe(count);
  });

  test.each([
    ['mean', 1 + 2 * 3],
    ['valid', 3],
  ])('%s with class weights divides by %d', (normalization, count) => {
    const found = run({ normalization, class_weights: [1, 3] });
    expect(found.sum).toBeCloseTo(7 * each, 12);
    expect(found.count).toBe(count);
  });

  test('class and sample weights multiply', () => {
    const found = run({ class_weights: [1, 3] }, [2, 0, 5, 1]);
    expect(found.sum).toBeCloseTo(5 * each, 12);
    expect(found.count).toBe(5);
    expect(run({ normalization: 'valid', class_weights: [1, 3] }, [2, 0, 5, 1]).count).toBe(2);
  });
});

test('a mask of tokens is the same as labels to ignore', () => {
  const scores: LossTensor = { shape: [2, 3, 4], values: Array.from({ length: 24 }, (_, i) => Math.sin(i)) };
  const labels = [1, 3, 0, 2, 2, 1];
  const mask: LossTensor = { shape: [2, 3], values: [1, 1, 0, 1, 0, 0], dtype: 'bool' };
  const masked = runLoss({
    type: 'cross_entropy',
    fields: { axis: -1 },
    inputs: [scores, { shape: [2, 3], values: labels, dtype: 'int32' }, mask],
  });
  const ignored = runLoss({
    type: 'cross_entropy',
    fields: { axis: -1, ignore_index: -1 },
    inputs: [scores, { shape: [2, 3], values: labels.map((l, i) => (mask.values[i] ? l : -1)), dtype: 'int32' }],
  });
  expect(masked.loss).toBeCloseTo(ignored.loss, 12);
  expect(masked.count).toBe(3);
  masked.gradients[0]!.forEach((g, i) => expect(g).toBeCloseTo(ignored.gradients[0]![i]!, 12));
});

test('the euclidean loss divides by twice the samples, whatever their size', () => {
  expect(runLoss({ type: 'euclidean', inputs: [PREDICTION, ZEROS] }).loss).toBeCloseTo(91 / 4, 12);
});

test('every loss says what it divides by, or that it has no terms', () => {
  const without = Object.entries<LossDef>(LOSSES).filter(([, def]) => !('normalization' in def.fields));
  expect(without.map(([name]) => name).toSorted()).toEqual(['dice', 'expression', 'lovasz', 'rmse', 'tversky']);
});
