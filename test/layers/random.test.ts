/** Layers that draw and layers that change gradients: distributions, straight-through, when they draw, what they refuse. */
import { loadSpecText } from '../../compiler/frontend/load';
import { lowerModel } from '../../compiler/lower/lower';
import { expectClose } from '../support/layer';
import { problemOf, runModel, wave, type ModelInput, type ModelResult } from '../support/model';

const none = { x: wave([4, 1], 0) };
const drawn = (layer: string, mode: 'train' | 'predict' = 'predict', step = 1): ModelResult =>
  runModel({ inputs: none, layers: `  - {name: y, ${layer}}`, mode, step });
const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const deviation = (values: readonly number[]): number => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((x) => (x - middle) ** 2)));
};
const constant = (shape: readonly number[], value: number): ModelInput => ({
  shape,
  values: Array.from({ length: shape.reduce((n, extent) => n * extent, 1) }, () => value),
});

test('random_normal and random_uniform have their mean and spread, and new numbers each step', () => {
  const normal = drawn('type: random_normal, shape: [100, 100], mean: 3, std: 2').values['y']!;
  expect(mean(normal)).toBeCloseTo(3, 1);
  expect(deviation(normal)).toBeCloseTo(2, 1);
  const cut = drawn('type: random_normal, shape: [100, 100], truncated: true').values['y']!;
  expect(Math.max(...cut.map(Math.abs))).toBeLessThanOrEqual(2);
  expect(deviation(cut)).toBeCloseTo(0.8796, 1);
  const uniform = drawn('type: random_uniform, shape: [100, 100], low: -1, high: 3').values['y']!;
  expect(mean(uniform)).toBeCloseTo(1, 1);
  expect(Math.min(...uniform)).toBeGreaterThanOrEqual(-1);
  expect(Math.max(...uniform)).toBeLessThan(3);
  const at = (step: number): number[] => drawn('type: random_uniform, shape: [3]', 'train', step).values['y']!;
  expect(at(1)).toEqual(at(1));
  expect(at(1)).not.toEqual(at(2));
});

test('the shape is written with symbols, or that of the input', () => {
  const text = (layer: string): string => `inputs: {x: {shape: [N, 5]}}\nlayers: [{name: y, ${layer}}]`;
  const shapeOf = (layer: string): readonly number[] =>
    lowerModel(loadSpecText(text(layer), 'model.yaml'), { batch: 3, mode: 'predict' }).graph.results[0]!.value.type
      .shape;
  expect(shapeOf('type: random_normal, shape: [N, 2]')).toEqual([3, 2]);
  expect(shapeOf('type: random_normal, inputs: x')).toEqual([3, 5]);
  expect(shapeOf('type: bernoulli, probability: 0.5, shape: [2]')).toEqual([2]);
  const wrong = (layer: string): string => problemOf({ inputs: none, layers: `  - {name: y, ${layer}}` });
  expect(wrong('type: random_normal')).toMatch(/needs `shape`, or an input/);
  expect(wrong('type: random_normal, shape: [2], inputs: x')).toMatch(/the shape is that of the input/);
  expect(wrong('type: random_normal, shape: [M]')).toMatch(/no input has a dimension called 'M'/);
  expect(wrong('type: random_uniform, shape: [2], low: 1')).toMatch(/nothing lies between 1 and 1/);
  expect(wrong('type: bernoulli, shape: [2]')).toMatch(/needs `probability`/);
  expect(wrong('type: bernoulli, inputs: x, probability: 0.5')).toMatch(/the input holds the probabilities/);
  expect(wrong('type: bernoulli, shape: [2], probability: 0.5, straight_through: true')).toMatch(/no gradient/);
});

test('bernoulli draws ones by its probabilities, with a gradient only straight through', () => {
  const run = (fields: string): ModelResult =>
    runModel({ inputs: { x: constant([1, 2000], 0.3) }, layers: `  - {name: y, type: bernoulli, inputs: x${fields}}` });
  const plain = run('');
  expect(new Set(plain.values['y'])).toEqual(new Set([0, 1]));
  expect(mean(plain.values['y']!)).toBeCloseTo(0.3, 1);
  expect(plain.gradients['x']).toBeUndefined();
  const through = run(', straight_through: true');
  expect(through.values['y']).toEqual(plain.values['y']);
  expect(through.gradients['x']).toEqual(plain.values['y']);
  const ends = { shape: [1, 4], values: [0, 1, 0, 1] };
  const sure = runModel({ inputs: { x: ends }, layers: '  - {name: y, type: bernoulli, inputs: x}' });
  expect(sure.values['y']).toEqual([0, 1, 0, 1]);
});

test('categorical draws classes in proportion', () => {
  const logits = [1, 2, 5].map(Math.log);
  const x = { shape: [3000, 3], values: Array.from({ length: 9000 }, (_, i) => logits[i % 3]!) };
  const shares = (fields: string): number[] => {
    const { values } = runModel({ inputs: { x }, layers: `  - {name: y, type: categorical, inputs: x${fields}}` });
    return [0, 1, 2].map((c) => values['y']!.filter((found) => found === c).length / 3000);
  };
  shares('').forEach((share, c) => expect(Math.abs(share - [1 / 8, 2 / 8, 5 / 8][c]!)).toBeLessThan(0.03));
  const squares = [1, 4, 25].map((weight) => weight / 30);
  shares(', temperature: 0.5').forEach((share, c) => expect(Math.abs(share - squares[c]!)).toBeLessThan(0.03));
});

test('gumbel_softmax sums to 1; hard it is one-hot with the gradient of the soft one', () => {
  const x = wave([6, 4], 0.3);
  const run = (fields: string): ModelResult =>
    runModel({ inputs: { x }, layers: `  - {name: y, type: gumbel_softmax, inputs: x, temperature: 0.7${fields}}` });
  const soft = run('');
  const hard = run(', hard: true');
  for (let row = 0; row < 6; row++) {
    const of = (values: readonly number[]): number[] => values.slice(4 * row, 4 * row + 4);
    expect(of(soft.values['y']!).reduce((sum, y) => sum + y)).toBeCloseTo(1, 10);
    const [weights, chosen] = [of(soft.values['y']!), of(hard.values['y']!)];
    expect([...chosen].sort()).toEqual([0, 0, 0, 1]);
    expect(chosen.indexOf(1)).toBe(weights.indexOf(Math.max(...weights)));
    // Softmax's rule with the hard value as the gradient of the output: w · (h − Σ w h) / temperature.
    const inner = weights.reduce((sum, w, i) => sum + w * chosen[i]!, 0);
    expectClose(
      of(hard.gradients['x']!),
      weights.map((w, i) => (w * (chosen[i]! - inner)) / 0.7),
    );
  }
});

test('gradients are stopped, scaled, reversed and clipped, values are not touched', () => {
  const x = { shape: [1, 3], values: [1, -2, 0.5] };
  const run = (layer: string): ModelResult => runModel({ inputs: { x }, layers: `  - {name: y, ${layer}}` });
  for (const [layer, gradient] of [
    ['type: stop_gradient', undefined],
    ['type: gradient_scale, factor: 0.1', [0.1, -0.2, 0.05]],
    ['type: gradient_reverse', [-1, 2, -0.5]],
    ['type: gradient_reverse, factor: 0.5', [-0.5, 1, -0.25]],
    ['type: gradient_clip, value: 0.75', [0.75, -0.75, 0.5]],
  ] as const) {
    const { values, gradients } = run(layer);
    expect(values['y']).toEqual(x.values);
    if (gradient) expectClose(gradients['x']!, gradient);
    else expect(gradients['x']).toBeUndefined();
  }
  expect(problemOf({ inputs: { x }, layers: '  - {name: y, type: gradient_scale, factor: 1}' })).toMatch(/factor/);
});

describe('evaluation and prediction', () => {
  const text = `
inputs: {x: {shape: [N, 5]}}
layers:
  - {name: noise, type: random_normal, inputs: x}
  - {name: rng, type: add, inputs: [x, noise]}
  - {name: plain, type: identity, inputs: x}
outputs: [rng]
`;

  test('have an rng input where a layer draws, and only there', () => {
    const inputsOf = (source: string): string[] =>
      lowerModel(loadSpecText(source, 'model.yaml'), { batch: 2, mode: 'predict' }).graph.inputs.map(
        ({ name }) => name,
      );
    // A layer may well be called so.
    expect(inputsOf(text)).toEqual(['x', 'rng']);
    expect(inputsOf(text.replace('outputs: [rng]', 'outputs: [plain]'))).toEqual(['x']);
  });

  test('refuse a model input of that name, where a layer draws', () => {
    const source = `inputs: {rng: {shape: [N, 5]}}\nlayers:\n  - {name: noise, type: random_normal, inputs: rng}\n`;
    expect(() => lowerModel(loadSpecText(source, 'model.yaml'), { batch: 2, mode: 'predict' })).toThrow(
      /what the random layers draw from/,
    );
    const calm = source.replace('random_normal', 'identity');
    const { graph } = lowerModel(loadSpecText(calm, 'model.yaml'), { batch: 2, mode: 'predict' });
    expect(graph.inputs.map(({ name }) => name)).toEqual(['rng']);
  });
});
