/** Layers that join inputs element by element or along an axis. */
import { expectClose, runLayer, shapeOf } from '../support/layer';

/** A constant `k` beside the input `x`, and a layer on both. */
const withOther = (values: readonly number[], shape: readonly number[], fields: string): string =>
  `  - {name: k, type: constant, shape: [${shape.join(', ')}], values: [${values.join(', ')}]}\n  - {name: y, inputs: [x, k], ${fields}}`;

test.each([
  ['add', [5, -3, 9]],
  ['sub', [-3, 7, -3]],
  ['mul', [4, -10, 18]],
  ['div', [0.25, -0.4, 0.5]],
  ['average', [2.5, -1.5, 4.5]],
  ['maximum', [4, 2, 6]],
  ['minimum', [1, -5, 3]],
  ['mod', [1, -3, 3]],
  ['atan2', [Math.atan2(1, 4), Math.atan2(2, -5), Math.atan2(3, 6)]],
  ['pow', [1, 2 ** -5, 3 ** 6]],
])('%s works element by element', (type, expected) => {
  const layers = withOther([4, -5, 6], [1, 3], `type: ${type}`);
  expectClose(runLayer({ x: [1, 2, 3], shape: [1, 3], layers }).values, expected);
});

test('more than two inputs are joined from the first to the last', () => {
  const run = (fields: string): readonly number[] =>
    runLayer({ x: [1, 2], shape: [1, 2], layers: `type: ${fields}` }).values;
  expectClose(run('average, inputs: [x, x, x]'), [1, 2]);
  expectClose(run('mul, inputs: [x, x, x]'), [1, 8]);
  expectClose(run('add, inputs: [x, x, x], coefficients: [1, -0.5, 3]'), [3.5, 7]);
});

test('equal elements share the gradient of a maximum', () => {
  const layers = withOther([1, 1, 3], [1, 3], 'type: maximum');
  expect(runLayer({ x: [1, 2, 2], shape: [1, 3], layers }).gradient).toEqual([0.5, 1, 0]);
});

test('coefficients are one for each input, of floating point', () => {
  expect(shapeOf([1, 2], 'type: add, inputs: [x, x], coefficients: [1, 2, 3]')).toMatch(
    /there are 3 coefficients for 2 inputs/,
  );
  const whole = '  - {name: k, type: arange, stop: 3}\n  - {name: y, type: add, inputs: [k, k], coefficients: [1, 2]}';
  expect(shapeOf([1, 2], whole)).toMatch(/computes with float32/);
});

test('integers of one type are merged too', () => {
  const layers = (type: string): string =>
    `  - {name: k, type: arange, stop: 4}\n  - {name: y, type: ${type}, inputs: [k, k]}`;
  expect(runLayer({ x: [0], shape: [1, 1], layers: layers('mul') }).values).toEqual([0, 1, 4, 9]);
  expect(shapeOf([1, 1], layers('div'))).toMatch(/computes with float32/);
  const mixed = '  - {name: k, type: arange, stop: 2}\n  - {name: y, type: add, inputs: [k, x]}';
  expect(shapeOf([2], mixed)).toMatch(/different element types/);
});

test('cosine_similarity gives what PyTorch gives, vectors of zeros included', () => {
  const other = withOther([4, -5, 6], [1, 3], 'type: cosine_similarity');
  const found = runLayer({ x: [1, 2, 3], shape: [1, 3], layers: other });
  expectClose(found.values, [0.3654869423]);
  expectClose(found.gradient, [0.0957227706, -0.2044986463, 0.1044248407]);
  const zeros = runLayer({
    x: [0, 0, 0],
    shape: [1, 3],
    layers: withOther([1, 2, 3], [1, 3], 'type: cosine_similarity'),
  });
  expect(zeros.values).toEqual([0]);
  expectClose(
    zeros.gradient.map((slope) => slope / 1e8),
    [0.2672612419, 0.5345224838, 0.8017837257],
  );
  expect(shapeOf([1, 3], withOther([1], [1, 1], 'type: cosine_similarity'))).toMatch(/differ in length/);
});

test('dot pairs an axis of each input, sample by sample', () => {
  const k = Array.from({ length: 6 }, (_, i) => i + 1);
  const x = [1, 0, -1, 2];
  const found = runLayer({ x, shape: [1, 2, 2], layers: withOther(k, [1, 3, 2], 'type: dot, axes: 2') });
  expect(found.shape).toEqual([1, 2, 3]);
  expectClose(found.values, [1, 3, 5, 3, 5, 7]);
  const crossed = runLayer({ x, shape: [1, 2, 2], layers: withOther(k, [1, 2, 3], 'type: dot, axes: [2, 1]') });
  expectClose(crossed.values, [1, 2, 3, 7, 8, 9]);
  const flat = runLayer({ x: [3, 4], shape: [1, 2], layers: 'type: dot, inputs: [x, x]' });
  expect([flat.shape, flat.values]).toEqual([[1, 1], [25]]);
  const cosine = runLayer({
    x: [3, 4],
    shape: [1, 2],
    layers: withOther([8, 6], [1, 2], 'type: dot, normalize: true'),
  });
  expectClose(cosine.values, [0.96]);
  expect(shapeOf([1, 2, 2], withOther(k, [1, 3, 2], 'type: dot, axes: 1'))).toMatch(/run together are 2 and 3 long/);
  expect(shapeOf([1, 2], 'type: dot, inputs: [x, x], axes: 0')).toMatch(/axis 0 is not among the axes 1 to 1/);
  expect(shapeOf([1, 2], withOther([1, 2, 3, 4], [2, 2], 'type: dot'))).toMatch(/differ on the batch axis/);
});
