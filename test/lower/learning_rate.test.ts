/** Learning rates by step: schedules at known points, warm-up, units of steps and epochs. */
import { loadSpecText } from '../../compiler/frontend/load';
import { learningRate, optimizerScalars } from '../../compiler/lower/learning_rate';
import type { TrainSpec } from '../../compiler/frontend/spec';

function trainOf(schedule: string, optimizer = '{type: sgd, lr: 0.5}'): TrainSpec {
  const text = `inputs: {x: {shape: [N, 2]}, t: {shape: [N, 1]}}
layers: [{name: y, type: dense, units: 1, inputs: x}]
losses: [{type: mse, inputs: [y, t]}]
train: {batch_size: 1, epochs: 1, optimizer: ${optimizer}${schedule === '' ? '' : `, schedule: ${schedule}`}}
`;
  return loadSpecText(text, 'm.yaml').train!;
}

/** Relative to the base rate, at steps counted from 1, of 1,000 in epochs of 10. */
function factors(schedule: string, steps: readonly number[]): number[] {
  const train = trainOf(schedule);
  return steps.map((step) => Number((learningRate(train, step, 10, 1000) / 0.5).toFixed(9)));
}

test.each([
  ['', [1, 1000], [1, 1]],
  ['{type: constant}', [1, 1000], [1, 1]],
  ['{type: step, step_size: 100}', [1, 100, 101, 201], [1, 1, 0.1, 0.01]],
  ['{type: step, step_size: 10 epochs, gamma: 0.5}', [100, 101], [1, 0.5]],
  ['{type: multistep, milestones: [5, 2 epochs]}', [5, 6, 20, 21], [1, 0.1, 0.1, 0.01]],
  ['{type: inverse, gamma: 1.0e-4, power: 0.75}', [1, 10001], [1, 0.594603558]],
  ['{type: polynomial, power: 2}', [1, 501, 1000, 1001], [1, 0.25, 0.000001, 0]],
  ['{type: poly}', [501], [0.5]],
  ['{type: polynomial, end: 0.2}', [1, 501, 1001], [1, 0.6, 0.2]],
  ['{type: exponential, gamma: 0.5}', [1, 2, 4], [1, 0.5, 0.125]],
  ['{type: exponential, gamma: 0.25, every: 1 epochs}', [1, 6, 11], [1, 0.5, 0.25]],
  ['{type: cosine}', [1, 501, 1001], [1, 0.5, 0]],
  ['{type: cosine, end: 0.1}', [1, 1001], [1, 0.1]],
] as const)('%s has the factors that its formula gives', (schedule, steps, expected) => {
  expect(factors(schedule, steps)).toEqual(expected);
});

test('a warm-up rises in a line to the full rate; the schedule starts when it is over', () => {
  expect(factors('{type: constant, warmup: {steps: 4}}', [1, 2, 3, 4, 5])).toEqual([0.25, 0.5, 0.75, 1, 1]);
  expect(factors('{type: constant, warmup: {steps: 4, from: 0.2}}', [1, 4])).toEqual([0.4, 1]);
  expect(factors('{type: cosine, warmup: {epochs: 2}}', [20, 21, 511, 1001])).toEqual([1, 1, 0.5, 0]);
});

test('milestones count from the start of training, warm-up included', () => {
  expect(factors('{type: multistep, milestones: [2 epochs], warmup: {steps: 5}}', [5, 20, 21])).toEqual([1, 1, 0.1]);
});

test('the rate of the optimizer is its default where none is given', () => {
  expect(learningRate(trainOf('', '{type: adam}'), 1, 10, 100)).toBe(0.001);
});

test('scalars of the optimizer are the bias corrections at a step counted from 1', () => {
  const train = trainOf('', '{type: adam}');
  expect(optimizerScalars(train, 1)['correction1']).toBeCloseTo(0.1, 12);
  expect(optimizerScalars(train, 2)['correction2_sqrt']).toBeCloseTo(Math.sqrt(1 - 0.999 ** 2), 12);
});
