/** Metrics on batches small enough to count by hand. */
import { SpecError } from '../../compiler/diagnostics/errors';
import { METRICS } from '../../compiler/metrics/index';
import type { Pair } from '../support/term';
import { metricOf } from '../support/term';

const SCORES: Pair = {
  x: [1, 3, 2, 0, /**/ 5, 1, 4, 2, /**/ 0, 0, 0, 0],
  shape: [3, 4],
  target: [1, 2, 0],
};

test('accuracy counts the highest score, the first of equals', () => {
  expect(metricOf(SCORES, 'accuracy')).toBeCloseTo(2 / 3, 12);
  expect(metricOf({ ...SCORES, target: [1, 0, 1] }, 'accuracy')).toBeCloseTo(2 / 3, 12);
});

test('top_k counts labels among the k highest', () => {
  expect(metricOf(SCORES, 'top_k', ', k: 2')).toBe(1);
  expect(metricOf({ ...SCORES, target: [0, 1, 2] }, 'top_k', ', k: 3')).toBeCloseTo(2 / 3, 12);
});

test('ignored labels do not count, hit or not', () => {
  expect(metricOf({ ...SCORES, target: [1, 0, 2] }, 'accuracy', ', ignore_index: 0')).toBe(1 / 2);
  expect(metricOf({ ...SCORES, target: [1, 3, 0] }, 'accuracy', ', ignore_index: 3')).toBe(1);
});

test('labels may be probabilities', () => {
  const target = [0, 1, 0, 0, /**/ 0.1, 0.2, 0.6, 0.1, /**/ 0, 0, 1, 0];
  expect(metricOf({ ...SCORES, target, targetShape: [3, 4], dtype: 'float32' }, 'accuracy')).toBeCloseTo(1 / 3, 12);
});

test('accumulators of several batches add up to the exact share', () => {
  const sums = { correct: Float64Array.of(2 + 1), count: Float64Array.of(3 + 1) };
  expect(METRICS.accuracy.finish(sums, {})).toBe(0.75);
});

test('a metric that would always be 1 is refused', () => {
  expect(() => metricOf(SCORES, 'top_k', ', k: 4')).toThrow(SpecError);
  expect(() => metricOf({ x: [1, 2], shape: [2, 1], target: [0, 0] }, 'top_k', ', k: 1')).toThrow(/at least 2 classes/);
});
