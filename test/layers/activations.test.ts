/** Activations and their gradients against PyTorch's (torch 2.13, float64), far out and at their kinks. */
import { nearest } from '../../compiler/diagnostics/nearest';
import { ACTIVATIONS } from '../../compiler/layers/activations/index';
import { LAYERS } from '../../compiler/layers/index';
import { expectClose, runLayer, shapeOf } from '../support/layer';
import { ACTIVATION_VALUES, POINTS } from './activation-values';

const SHAPE = [1, POINTS.length];

test.each(Object.entries(ACTIVATION_VALUES))('%s and its gradient are those of PyTorch', (type, [values, gradient]) => {
  const layers = type === 'linear' ? 'type: identity, activation: linear' : `type: ${type}`;
  const found = runLayer({ x: POINTS, shape: SHAPE, layers });
  const scale = Math.max(...values, ...gradient, 1);
  expectClose(
    found.values.map((value) => value / scale),
    values.map((value) => value / scale),
  );
  expectClose(
    found.gradient.map((value) => value / scale),
    gradient.map((value) => value / scale),
  );
});

/** These look at more than one element, or are tested below. */
const ELSEWHERE = ['softmax', 'log_softmax', 'sparsemax', 'glu', 'crelu', 'maxout', 'sparse_sigmoid'];

test('every element-wise activation is in the table', () => {
  const inTable = new Set(Object.keys(ACTIVATION_VALUES).map((type) => type.split(',')[0]));
  const missing = Object.keys(ACTIVATIONS).filter((type) => !inTable.has(type) && !ELSEWHERE.includes(type));
  expect(missing).toEqual([]);
});

test('activations stay finite, with finite gradients, where exp would overflow', () => {
  for (const type of Object.keys(ACTIVATIONS)) {
    if (type === 'exponential') continue;
    const fields = type === 'maxout' ? '{type: maxout, pieces: 2}' : type;
    const layers = `type: identity, activation: ${fields}`;
    const { values, gradient } = runLayer({ x: [-1000, 1000], shape: [1, 2], layers });
    expect([...values, ...gradient].filter((value) => !Number.isFinite(value))).toEqual([]);
  }
});

test('softmax and its logarithm run along their axis', () => {
  const run = { x: [0, 1, 2, 3], shape: [1, 2, 2] };
  const probabilities = [0.2689414214, 0.7310585786, 0.2689414214, 0.7310585786];
  expectClose(runLayer({ ...run, layers: 'type: softmax, axis: -1' }).values, probabilities);
  expectClose(runLayer({ ...run, layers: 'type: log_softmax, axis: -1' }).values, probabilities.map(Math.log));
  expect(shapeOf([1, 2], 'type: log_softmax, axis: 2')).toMatch(/axis 2 is not among the axes 0 to 1/);
});

test('sparsemax is the projection on the simplex, also far from 0', () => {
  const squared = '  - {name: s, type: sparsemax}\n  - {name: y, type: mul, inputs: [s, x]}';
  const near = runLayer({ x: [0.5, 0.3, -1, 0.9, 0.15], shape: [1, 5], layers: squared });
  expectClose(near.values, [2 / 15, 0.02, 0, 0.6, 0]);
  expectClose(near.gradient, [0.2, -0.2, 0, 1, 0]);
  const far = runLayer({ x: [1000.25, 999.5, 1000], shape: [1, 3], layers: 'type: sparsemax' });
  expectClose(far.values, [0.625, 0, 0.375]);
  const even = runLayer({ x: [2, 2, 2, 2], shape: [1, 4, 1], layers: 'type: sparsemax' });
  expectClose(even.values, [0.25, 0.25, 0.25, 0.25]);
});

test('sparse_sigmoid is the slope of sparse_plus', () => {
  const x = [-3, -0.5, 0, 0.75, 3];
  const run = { x, shape: [1, 5] };
  const { values } = runLayer({ ...run, layers: 'type: sparse_sigmoid' });
  expect(values).toEqual([0, 0.25, 0.5, 0.875, 1]);
  expectClose(runLayer({ ...run, layers: 'type: sparse_plus' }).gradient, values);
});

test.each([
  ['sigmoid', [0.9525741268, -0.0359724199], [0.9525741268, 0.01798621, 0.0451766597, -0.0353254124]],
  ['tanh', [0.9950547537, 1.9986585987], [0.9950547537, -0.9993292997, 0.0098660372, -0.0026819004]],
  ['relu', [3, 0], [3, 0, 1, 0]],
  ['silu', [2.8577223805, 0.1438896798], [2.8577223805, -0.0719448399, 1.0881041059, 0.1053292297]],
  ['gelu', [2.9959503057, 0.0002533699], [2.9959503057, -0.000126685, 1.0119453, 0.001007]],
  ['linear', [3, 8], [3, -4, 1, -2]],
])('glu with %s gates the first half by the second', (activation, values, gradient) => {
  const found = runLayer({ x: [1, -2, 3, -4], shape: [1, 4], layers: `type: glu, activation: ${activation}` });
  expectClose(found.values, values, 6);
  expectClose(found.gradient, gradient, 6);
});

test('glu takes either half as the gate and refuses odd channels', () => {
  const first = runLayer({ x: [3, -4, 1, -2], shape: [1, 4], layers: 'type: glu, gate: first' });
  expectClose(first.values, [0.9525741268, -0.0359724199]);
  expect(shapeOf([1, 3, 4], 'type: glu')).toEqual([1, 3, 2]);
  expect(shapeOf([1, 3, 4], 'type: glu, axis: 1')).toMatch(/the 3 channels on axis 1 do not cut into two halves/);
});

test('crelu doubles an axis, maxout divides it', () => {
  const x = [1, -2, 3, -4, 5, 6];
  expect(runLayer({ x, shape: [1, 2, 3], layers: 'type: crelu' }).values).toEqual([1, 0, 3, 0, 5, 6, 0, 2, 0, 4, 0, 0]);
  expect(shapeOf([1, 2, 3], 'type: crelu, axis: -1')).toEqual([1, 2, 6]);
  expect(runLayer({ x, shape: [1, 6], layers: 'type: maxout, pieces: 2' }).values).toEqual([1, 3, 6]);
  expect(runLayer({ x, shape: [1, 6], layers: 'type: maxout, units: 2' }).values).toEqual([3, 6]);
  expect(runLayer({ x, shape: [1, 2, 3], layers: 'type: maxout, pieces: 2' }).values).toEqual([1, 5, 6]);
  expect(shapeOf([1, 6], 'type: maxout')).toMatch(/needs `pieces` or `units`/);
  expect(shapeOf([1, 6], 'type: maxout, pieces: 2, units: 3')).toMatch(/say the same/);
  expect(shapeOf([1, 6], 'type: maxout, pieces: 4')).toMatch(/6 channels on axis 1 do not divide into pieces of 4/);
});

test('prelu has a slope for each channel, one, or one for each element', () => {
  const run = (layers: string, slopes: readonly number[]): readonly number[] =>
    runLayer({ x: [-1, 1, -1, -1], shape: [1, 2, 2], layers, states: { 'y.slope': slopes } }).values;
  expectClose(run('type: prelu', [0.5, 0.1]), [-0.5, 1, -0.1, -0.1]);
  expectClose(run('type: prelu, axis: 2', [0.5, 0.1]), [-0.5, 1, -0.5, -0.1]);
  expectClose(run('type: prelu, slopes: one', [0.5]), [-0.5, 1, -0.5, -0.5]);
  expectClose(run('type: prelu, slopes: element', [0.5, 0.1, 0.2, 0.3]), [-0.5, 1, -0.2, -0.3]);
  expect(shapeOf([1, 2], 'type: prelu, slopes: one, axis: 1')).toMatch(/an axis has no effect with `slopes: one`/);
});

test('rrelu draws its slopes in training', () => {
  const x = Array.from({ length: 500 }, () => -1);
  const { values, gradient } = runLayer({ x, shape: [1, 500], layers: 'type: rrelu', mode: 'train' });
  expect(Math.min(...gradient)).toBeGreaterThanOrEqual(1 / 8);
  expect(Math.max(...gradient)).toBeLessThan(1 / 3);
  expect(new Set(gradient).size).toBeGreaterThan(490);
  expectClose(
    values,
    gradient.map((slope) => -slope),
  );
  expect(shapeOf([1, 2], 'type: rrelu, lower: 0.5, upper: 0.1')).toMatch(/lower 0.5 is above upper 0.1/);
});

test('threshold can make a step', () => {
  const found = runLayer({ x: [-1, 0.5, 2], shape: [1, 3], layers: 'type: threshold, threshold: 0.5, above: 1' });
  expect([found.values, found.gradient]).toEqual([[0, 0, 1], []]);
});

test('swish can learn its factor as a layer', () => {
  const layers = 'type: swish, learned: true';
  const { values } = runLayer({ x: [2], shape: [1, 1], layers, states: { 'y.beta': [0.5] } });
  expectClose(values, [2 / (1 + Math.exp(-1))]);
});

test('what owns parameters cannot be the activation of another layer', () => {
  expect(shapeOf([1, 2], 'type: dense, units: 2, activation: prelu')).toMatch(
    /`activation` cannot be `prelu`, which is a layer of its own \[invalid-value\]/,
  );
  expect(shapeOf([1, 2], 'type: dense, units: 2, activation: {type: prelu}')).toMatch(/cannot be `prelu`/);
  expect(shapeOf([1, 2], 'type: dense, units: 2, activation: {type: swish, learned: true}')).toMatch(
    /`swish` would own the parameter `beta` here/,
  );
  expect(shapeOf([1, 2], 'type: dense, units: 2, activation: dense')).toMatch(/cannot be `dense`/);
});

test('linear is an activation and no layer, which it is elsewhere', () => {
  expect(shapeOf([1, 2], 'type: linear, units: 2')).toMatch(/there is no layer type or block `linear`/);
  expect(nearest('linear', Object.keys(LAYERS))).toBe('dense');
});

test('problems of an activation are reported at its field', () => {
  const found = shapeOf([1, 2], '\n  type: dense, units: 2,\n  activation: {type: hard_tanh, min: 3}');
  expect(found).toMatch(/^layer.yaml:4:38: error: `y` \(dense\): min 3 is not below max 1/);
});

test('an activation on a layer does what the layer after it would do', () => {
  const run = { x: POINTS, shape: SHAPE };
  const inOne = runLayer({ ...run, layers: 'type: identity, activation: {type: leaky_relu, slope: 0.1}' });
  const inTwo = runLayer({ ...run, layers: 'type: leaky_relu, slope: 0.1' });
  expect(inOne.values).toEqual(inTwo.values);
});
