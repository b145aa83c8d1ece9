/** Training in the reference interpreter: whole steps of small models, state by state, as the runtime will run them. */
import { loadSpecText } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import type { Graph } from '../../compiler/ir/graph';
import { elementCount } from '../../compiler/ir/types';
import { learningRate, optimizerScalars } from '../../compiler/lower/learning_rate';
import { lowerInit, lowerModel, lowerTraining } from '../../compiler/lower/lower';
import type { RefTensor } from '../../compiler/ops/define';
import { interpret } from '../../compiler/reference/interpret';

/** Two classes that no line separates: inside and outside of a ring. */
function ring(count: number): { x: Float64Array; label: Float64Array } {
  const x = new Float64Array(2 * count);
  const label = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const radius = i % 2 === 0 ? 0.5 : 1.5;
    x.set([radius * Math.cos(i), radius * Math.sin(i)], 2 * i);
    label[i] = i % 2;
  }
  return { x, label };
}

/** What the init graph draws; what the states hold before does not matter, but the interpreter wants something. */
function initialStates(graph: Graph, seed: number): Readonly<Record<string, RefTensor>> {
  const empty = graph.states.map(
    ({ value: { name, type } }) => [name, new Float64Array(elementCount(type.shape))] as const,
  );
  return interpret(graph, { rng: Float64Array.of(seed, 0) }, Object.fromEntries(empty)).updates;
}

function specOf(optimizer: string, hidden = 'type: dense, units: 8, activation: tanh'): Spec {
  const text = `inputs: {x: {shape: [N, 2]}, label: {shape: [N], dtype: int32}}
layers:
  - {name: hidden, ${hidden}}
  - {name: logits, type: dense, units: 2}
losses: [{type: cross_entropy, inputs: [logits, label]}]
metrics: [{type: accuracy, inputs: [logits, label]}]
train: {batch_size: 32, epochs: 1, seed: 3, optimizer: ${optimizer}}
`;
  return loadSpecText(text, 'ring.yaml');
}

function train(spec: Spec, steps: number): { losses: number[]; accuracy: number } {
  const batch = ring(32);
  const step = lowerTraining(spec, 32);
  const { graph: evaluation } = lowerModel(spec, { batch: 32, mode: 'eval' });
  let states = initialStates(lowerInit(spec, [step]).graph, 3);
  const losses: number[] = [];
  for (let t = 1; t <= steps; t++) {
    const scalars = Object.entries(optimizerScalars(spec.train!, t)).map(
      ([name, v]) => [name, Float64Array.of(v)] as const,
    );
    const lr = Float64Array.of(learningRate(spec.train!, t, 1, steps));
    const feeds = { ...batch, rng: Float64Array.of(3, t), lr, ...Object.fromEntries(scalars) };
    const { results, updates } = interpret(step.graph, feeds, states);
    losses.push(results['loss']!.data[0]!);
    states = { ...states, ...updates };
  }
  const { results } = interpret(evaluation, batch, states);
  return {
    losses,
    accuracy: results['metrics/accuracy/correct']!.data[0]! / results['metrics/accuracy/count']!.data[0]!,
  };
}

test.each([
  ['sgd', '{type: sgd, lr: 0.5, momentum: 0.9}', 'type: dense, units: 8, activation: tanh'],
  ['adam', '{type: adam, lr: 0.05}', 'type: dense, units: 8, activation: tanh'],
  ['adamw with gelu', '{type: adamw, lr: 0.05}', 'type: dense, units: 8, activation: gelu'],
])('%s learns what no line separates', (_name, optimizer, hidden) => {
  const { losses, accuracy } = train(specOf(optimizer, hidden), 60);
  expect(losses.at(-1)!).toBeLessThan(0.25 * losses[0]!);
  expect(accuracy).toBe(1);
});

test('the first loss of small random weights is that of guessing', () => {
  const { losses } = train(
    specOf('{type: sgd, lr: 0.1}', 'type: dense, units: 8, init: {type: normal, std: 0.001}'),
    1,
  );
  expect(losses[0]).toBeCloseTo(Math.log(2), 2);
});

test('a learning rate of 0 leaves every parameter as it was drawn', () => {
  const { losses } = train(specOf('{type: sgd, lr: 0, weight_decay: 0.1}'), 3);
  expect(new Set(losses).size).toBe(1);
});

test('initial weights have the spread that their initializer promises', () => {
  const text = `inputs: {x: {shape: [N, 400]}}
layers:
  - {name: glorot, type: dense, units: 200}
  - {name: he, type: dense, units: 200, init: he_normal}
  - {name: caffe, type: dense, units: 200, init: xavier}
  - {name: plain, type: dense, units: 200, init: {type: uniform, low: 1, high: 3}}
  - {name: cut, type: dense, units: 200, init: {type: truncated_normal, std: 0.1, mean: 2}}
`;
  const { graph } = lowerInit(loadSpecText(text, 'm.yaml'));
  const updates = initialStates(graph, 1);
  const spread = (name: string): [mean: number, deviation: number, largest: number] => {
    const { data, type } = updates[`${name}.weight`]!;
    const n = elementCount(type.shape);
    const mean = data.reduce((sum, v) => sum + v, 0) / n;
    const deviation = Math.sqrt(data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n);
    return [mean, deviation, data.reduce((most, v) => Math.max(most, Math.abs(v - mean)), 0)];
  };
  const expectSpread = (name: string, mean: number, deviation: number, bound: number): void => {
    const found = spread(name);
    expect(Math.abs(found[0] - mean)).toBeLessThan(0.03 * deviation);
    expect(Math.abs(found[1] / deviation - 1)).toBeLessThan(0.02);
    expect(found[2]).toBeLessThanOrEqual(bound * 1.02);
  };
  const glorot = Math.sqrt(6 / 600);
  expectSpread('glorot', 0, glorot / Math.sqrt(3), glorot);
  expectSpread('he', 0, Math.sqrt(2 / 200), Infinity);
  expectSpread('caffe', 0, Math.sqrt(1 / 200), Math.sqrt(3 / 200));
  expectSpread('plain', 2, 1 / Math.sqrt(3), 1);
  expectSpread('cut', 2, 0.0879626, 0.2);
});
