/** Activations and their gradients against PyTorch's (torch 2.13, float64), far out and at 0. */
import { ACTIVATIONS } from '../../compiler/layers/activations/index';
import { expectClose, runLayer } from '../support/layer';

const X = [-30, -2, -0.5, 0, 0.5, 2, 30];

const EXPECTED: Readonly<Record<string, readonly [values: readonly number[], gradient: readonly number[]]>> = {
  relu: [
    [0, 0, 0, 0, 0.5, 2, 30],
    [0, 0, 0, 0, 1, 1, 1],
  ],
  'leaky_relu, slope: 0.1': [
    [-3, -0.2, -0.05, 0, 0.5, 2, 30],
    [0.1, 0.1, 0.1, 0.1, 1, 1, 1],
  ],
  sigmoid: [
    [0, 0.119202922, 0.3775406688, 0.5, 0.6224593312, 0.880797078, 1],
    [0, 0.1049935854, 0.2350037122, 0.25, 0.2350037122, 0.1049935854, 0],
  ],
  tanh: [
    [-1, -0.9640275801, -0.4621171573, 0, 0.4621171573, 0.9640275801, 1],
    [0, 0.0706508249, 0.786447733, 1, 0.786447733, 0.0706508249, 0],
  ],
  gelu: [
    [0, -0.0455002639, -0.1542687694, 0, 0.3457312306, 1.9544997361, 30],
    [0, -0.0852318011, 0.1325048753, 0.5, 0.8674951247, 1.0852318011, 1],
  ],
  'gelu, approximate: tanh': [
    [0, -0.0454023059, -0.1542859902, 0, 0.3457140098, 1.9545976941, 30],
    [0, -0.0860992566, 0.1326300965, 0.5, 0.8673699035, 1.0860992566, 1],
  ],
  silu: [
    [0, -0.238405844, -0.1887703344, 0, 0.3112296656, 1.761594156, 30],
    [0, -0.0907842488, 0.2600388127, 0.5, 0.7399611873, 1.0907842488, 1],
  ],
  'elu, alpha: 1.5': [
    [-1.5, -1.2969970751, -0.5902040104, 0, 0.5, 2, 30],
    [0, 0.2030029249, 0.9097959896, 1.5, 1, 1, 1],
  ],
  softplus: [
    [0, 0.126928011, 0.4740769842, 0.6931471806, 0.9740769842, 2.126928011, 30],
    [0, 0.119202922, 0.3775406688, 0.5, 0.6224593312, 0.880797078, 1],
  ],
};

test.each(Object.entries(EXPECTED))('%s and its gradient are those of PyTorch', (type, [values, gradient]) => {
  const found = runLayer({ x: X, shape: [1, 7], layers: `type: ${type}` });
  expectClose(found.values, values);
  expectClose(found.gradient, gradient);
});

test('every element-wise activation is in the table', () => {
  const inTable = new Set(Object.keys(EXPECTED).map((type) => type.split(',')[0]));
  expect(Object.keys(ACTIVATIONS).filter((type) => type !== 'softmax' && !inTable.has(type))).toEqual([]);
});

test('activations stay finite, with finite gradients, where exp would overflow', () => {
  for (const type of Object.keys(ACTIVATIONS)) {
    const { values, gradient } = runLayer({ x: [-1000, 1000], shape: [1, 2], layers: `type: ${type}` });
    expect([...values, ...gradient].filter((value) => !Number.isFinite(value))).toEqual([]);
  }
});

test('softmax sums to 1 along its axis', () => {
  const { values } = runLayer({ x: [0, 1, 2, 3], shape: [1, 2, 2], layers: 'type: softmax, axis: -1' });
  expectClose(values, [0.2689414214, 0.7310585786, 0.2689414214, 0.7310585786]);
});

test('an activation on a layer does what the layer after it would do', () => {
  const inOne = runLayer({ x: X, shape: [1, 7], layers: 'type: identity, activation: {type: leaky_relu, slope: 0.1}' });
  const inTwo = runLayer({ x: X, shape: [1, 7], layers: 'type: leaky_relu, slope: 0.1' });
  expect(inOne.values).toEqual(inTwo.values);
});
