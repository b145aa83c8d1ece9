/** Scaling, shifting and standardizing: by learned tensors, by inputs, by given and by gathered statistics. */
import type { LayerResult } from '../support/layer';
import { expectClose, runLayer, shapeOf } from '../support/layer';

test('scale and bias learn along axes', () => {
  const run = (fields: string, states: Readonly<Record<string, readonly number[]>>): readonly number[] =>
    runLayer({ x: [1, 2, 3, 4], shape: [1, 2, 2], layers: `type: ${fields}`, states }).values;
  expect(run('scale', { 'y.weight': [10, 100] })).toEqual([10, 20, 300, 400]);
  expect(run('scale, axis: -1', { 'y.weight': [10, 100] })).toEqual([10, 200, 30, 400]);
  expect(run('scale, num_axes: 0', { 'y.weight': [10] })).toEqual([10, 20, 30, 40]);
  expect(run('scale, num_axes: -1', { 'y.weight': [1, 2, 3, 4] })).toEqual([1, 4, 9, 16]);
  expect(run('scale, bias: true', { 'y.weight': [10, 100], 'y.bias': [1, 2] })).toEqual([11, 21, 302, 402]);
  expect(run('bias', { 'y.bias': [10, 100] })).toEqual([11, 12, 103, 104]);
  expect(run('bias, axis: 2', { 'y.bias': [10, 100] })).toEqual([11, 102, 13, 104]);
});

test('a second input takes the place of the weight', () => {
  const layers = (fields: string): string =>
    `  - {name: k, type: reduce_sum, axes: 2}\n  - {name: y, inputs: [x, k], ${fields}}`;
  const run = { x: [1, 2, 3, 4], shape: [1, 2, 2] };
  expect(runLayer({ ...run, layers: layers('type: scale, axis: 0') }).values).toEqual([3, 6, 21, 28]);
  expect(runLayer({ ...run, layers: layers('type: bias, axis: 0') }).values).toEqual([4, 5, 10, 11]);
  expect(shapeOf(run.shape, layers('type: scale'))).toMatch(/does not have the extents of the first from axis 1 on/);
  expect(shapeOf(run.shape, layers('type: scale, axis: 0, num_axes: 1'))).toMatch(/leave `num_axes` out|says how many/);
  expect(shapeOf(run.shape, layers('type: scale, axis: 0, bias: true'))).toMatch(/cannot differ along the batch axis/);
  expect(shapeOf(run.shape, layers('type: scale, axis: 0, init: ones'))).toMatch(/there is no weight to start/);
});

test('learned scales have no batch axis', () => {
  expect(shapeOf([1, 2, 2], 'type: scale, axis: 0')).toMatch(/axis 0 is not among the axes 1 to 2/);
  expect(shapeOf([1, 2, 2], 'type: scale, num_axes: 3')).toMatch(/only 2 axes from axis 1 on/);
});

test('rescale converts and scales', () => {
  expectClose(
    runLayer({ x: [0, 255], shape: [1, 2], layers: 'type: rescale, scale: 0.1, offset: -1' }).values,
    [-1, 24.5],
  );
  const bytes = '  - {name: k, type: cast, dtype: uint8}\n  - {name: y, type: rescale, scale: 0.5}';
  expectClose(runLayer({ x: [0, 255], shape: [1, 2], layers: bytes }).values, [0, 127.5]);
});

test('standardize takes given statistics', () => {
  const run = (fields: string, x = [1, 2, 3, 4]): readonly number[] =>
    runLayer({ x, shape: [1, 2, 2], layers: `type: standardize, ${fields}` }).values;
  expectClose(run('mean: 1, variance: 4'), [0, 0.5, 1, 1.5]);
  expectClose(run('mean: [1, 3], std: [0.5, 2]'), [0, 2, 0, 0.5]);
  expectClose(run('mean: [1, 3], std: [0.5, 2], axis: -1'), [0, -0.5, 4, 0.5]);
  expectClose(run('mean: [1, 3], std: [0.5, 2], invert: true', [0, 2, 0, 0.5]), [1, 2, 3, 4]);
  expectClose(run('mean: 1, variance: 0, epsilon: 0.5'), [0, 2, 4, 6]);
  const problem = (fields: string): unknown => shapeOf([1, 2, 2], `type: standardize, ${fields}`);
  expect(problem('mean: 1')).toMatch(/needs `variance` or `std` too/);
  expect(problem('std: 1')).toMatch(/needs `mean` too/);
  expect(problem('mean: 1, std: 1, variance: 1')).toMatch(/`variance` and `std` say the same/);
  expect(problem('mean: [1, 2, 3], std: 1')).toMatch(/it lists 3 numbers for the 2 positions on axis 1/);
  expect(problem('invert: true')).toMatch(/no statistics to go back by/);
});

test('standardize gathers in training what the whole data has, and uses it elsewhere', () => {
  const train = (x: readonly number[], states: Readonly<Record<string, readonly number[]>>): LayerResult =>
    runLayer({ x, shape: [2, 4], layers: 'type: standardize', mode: 'train', states });
  const none = { 'y.mean': [0, 0, 0, 0], 'y.variance': [1, 1, 1, 1], 'y.count': [0] };
  const first = train([1, 2, 3, 4, 5, 6, 7, 8], none);
  expectClose(first.updates['y.mean']!, [3, 4, 5, 6]);
  expectClose(first.updates['y.variance']!, [4, 4, 4, 4]);
  expectClose(first.values, [-1, -1, -1, -1, 1, 1, 1, 1]);
  const unequal = train([-1, 0, 1, 10, -1, 0, 1, 10], first.updates);
  expectClose(unequal.updates['y.count']!, [4]);
  // Of 1, 5, −1, −1 and so on, by hand.
  expectClose(unequal.updates['y.mean']!, [1, 2, 3, 8]);
  expectClose(unequal.updates['y.variance']!, [6, 6, 6, 6]);
  const states = unequal.updates;
  const later = runLayer({ x: [1, 2, 3, 8], shape: [1, 4], layers: 'type: standardize', states });
  expectClose(later.values, [0, 0, 0, 0]);
  expectClose(
    later.gradient,
    [1, 1, 1, 1].map((one) => one / Math.sqrt(6)),
  );
  const back = '  - {name: n, type: standardize}\n  - {name: y, type: standardize, invert: true, share: n}';
  const shared = Object.fromEntries(Object.entries(states).map(([name, data]) => [name.replace('y.', 'n.'), data]));
  expectClose(runLayer({ x: [5, 6, 7, 8], shape: [1, 4], layers: back, states: shared }).values, [5, 6, 7, 8]);
  const frozen = runLayer({
    x: [1, 2, 3, 8],
    shape: [1, 4],
    layers: 'type: standardize, frozen: true',
    mode: 'train',
    states,
  });
  expect([frozen.values, frozen.updates]).toEqual([[0, 0, 0, 0], {}]);
});
