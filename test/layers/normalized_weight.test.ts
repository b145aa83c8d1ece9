/** Normalized weights against PyTorch's parametrizations (torch 2.13, float64): two units of three features. */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { interpret } from '../../compiler/reference/interpret';
import { expectClose, modelOf, runLayer } from '../support/layer';
import { wave } from '../support/wave';

const near = (found: ArrayLike<number>, expected: readonly number[]): void =>
  expectClose([...Array.from(found)], expected, 6);
const X = { x: wave(6), shape: [2, 3] };
const STATES = { 'y.weight': wave(6, 1), 'y.bias': wave(2, 2) };

/** Gradients of Σ y · wave(4, 3) with respect to some states, in training. */
function gradientsOf(layers: string, states: Readonly<Record<string, readonly number[]>>, of: readonly string[]) {
  const model = modelOf(X.shape, layers, 'train');
  const { b } = model;
  model.lowerLayers(['y']);
  const weighted = b.op('mul', [model.values.get('y')!, b.constant(wave(4, 3), [2, 2])]);
  const loss = b.op('reduce_sum', [weighted], { axes: [0, 1], keepdims: false });
  const values = of.map((name) => b.states.find(({ value }) => value.name === name)!.value);
  differentiate(b, loss, values).forEach((gradient, i) => b.result(of[i]!, gradient!));
  const given = Object.fromEntries(Object.entries(states).map(([name, data]) => [name, Float64Array.from(data)]));
  const { results } = interpret(b.build(), { x: Float64Array.from(X.x), rng: Float64Array.of(1, 1) }, given);
  return of.map((name) => results[name]!.data);
}

test('weight: the direction of the weight, with a learned length', () => {
  const layers = 'type: dense, units: 2, normalize_weight: weight';
  const states = { ...STATES, 'y.weight_gain': [1.5, 0.5] };
  near(runLayer({ ...X, layers, states }).values, [1.0897771, 0.68599471, 1.0897771, 0.74042334]);
  const [gain, weight] = gradientsOf(layers, states, ['y.weight_gain', 'y.weight']);
  near(gain!, [-1.0255877, 0.42381757]);
  near(weight!, [0.14734576, 0.14734576, 0.14734576, -0.13443405, -0.095654995, -0.056875943]);
});

test('spectral: a power iteration in training, whose vectors are kept', () => {
  const layers = 'type: dense, units: 2, normalize_weight: spectral';
  const states = { ...STATES, 'y.u': [0.6, 0.8], 'y.v': [0, 0.6, 0.8] };
  const train = runLayer({ ...X, layers, states, mode: 'train' });
  near(train.values, [0.25918289, 0.89389387, 0.25918289, 0.97488543]);
  near(train.updates['y.u']!, [0.56168702, 0.8273498]);
  near(train.updates['y.v']!, [-0.58207095, 0.11168057, 0.8054321]);
  const [weight] = gradientsOf(layers, states, ['y.weight']);
  near(weight!, [0.46857477, 0.086702064, -0.29517065, -0.47312526, -0.064929702, 0.34326586]);
  const later = { ...STATES, ...train.updates };
  const predict = runLayer({ ...X, layers, states: later });
  near(predict.values, train.values);
  expect(predict.updates).toEqual({});
});

test('spectral: many iterations find the largest singular value, whatever the layout', () => {
  // Singular values 3 and 2.
  const matrix = { 'y.weight': [0, 3, 2, 0], 'y.u': [1, 0.5], 'y.v': [0.5, 1] };
  for (const fields of ['', ', transpose: true']) {
    const layers = `type: dense, units: 2, bias: false, normalize_weight: {type: spectral, iterations: 40}${fields}`;
    const found = runLayer({ x: [3, 0, 0, 3], shape: [2, 2], layers, states: matrix, mode: 'train' });
    expectClose(found.values, fields === '' ? [0, 2, 3, 0] : [0, 3, 2, 0]);
  }
});

test('outputs of a transposed convolution are on axis 1', () => {
  const model = modelOf(
    [1, 3, 4, 4],
    'type: conv_transpose2d, filters: 5, kernel: 2, normalize_weight: weight',
    'train',
  );
  model.lowerLayers(['y']);
  expect(model.b.states.map(({ value }) => [value.name, value.type.shape])).toEqual([
    ['y.weight', [3, 5, 2, 2]],
    ['y.weight_gain', [5]],
    ['y.bias', [5]],
  ]);
});
