/** Functions, comparisons and constants as layers: values, and what each refuses. */
import { expectClose, runLayer, shapeOf } from '../support/layer';

const row = (x: readonly number[], fields: string): readonly number[] =>
  runLayer({ x, shape: [1, x.length], layers: `type: ${fields}` }).values;

test.each([
  ['abs', [2, 0.5, 0.25]],
  ['neg', [2, -0.5, -0.25]],
  ['sign', [-1, 1, 1]],
  ['square', [4, 0.25, 0.0625]],
  ['reciprocal', [-0.5, 2, 4]],
  ['floor', [-2, 0, 0]],
  ['ceil', [-2, 1, 1]],
  ['round', [-2, 0, 0]],
  ['is_nan', [0, 0, 0]],
  ['is_finite', [1, 1, 1]],
  ...(['expm1', 'sin', 'cos', 'tan', 'atan', 'sinh', 'cosh', 'asinh'] as const).map((name): [string, number[]] => [
    name,
    [-2, 0.5, 0.25].map((x) => Math[name](x)),
  ]),
])('%s is what its name says', (type, expected) => {
  expectClose(row([-2, 0.5, 0.25], type), expected);
});

test.each(['sqrt', 'log1p', 'asin', 'acos', 'atanh'] as const)(
  '%s is what its name says where it is defined',
  (type) => {
    const x = [0.2, 0.5, 0.75];
    expectClose(
      row(x, type),
      x.map((value) => Math[type](value)),
    );
    expectClose(row([4, 0.25], 'rsqrt'), [0.5, 2]);
    expectClose(row([1.5, 3], 'acosh'), [Math.acosh(1.5), Math.acosh(3)]);
    expectClose(row([0.5, -1], 'erf'), [0.5204998778, -0.8427007929]);
  },
);

test("exp, log and pow scale and shift, as Caffe's", () => {
  expectClose(row([1, 2], 'exp'), [Math.E, Math.E ** 2]);
  expectClose(row([1, 2], 'exp, base: 2, scale: 3, shift: -1'), [4, 32]);
  expectClose(row([1, 10], 'log, base: 10, scale: 10'), [1, 2]);
  expectClose(row([0, 1], 'log, shift: 1'), [0, Math.log(2)]);
  expectClose(row([1, -2], 'pow, power: 3, scale: 2, shift: 1'), [27, -27]);
  expectClose(row([4, 9], 'pow, power: 0.5'), [2, 3]);
  expectClose(row([4, 9], 'pow, power: -0.5'), [0.5, 1 / 3]);
  expectClose(row([4, 8], 'pow, power: -1'), [0.25, 0.125]);
  expectClose(row([-4, 0], 'pow, power: 0'), [1, 1]);
  expectClose(row([-4, 3], 'pow, power: 2'), [16, 9]);
  expect(shapeOf([1, 2], 'type: pow')).toMatch(/needs `power`, or a second input/);
  expect(shapeOf([1, 2], 'type: pow, inputs: [x, x], shift: 1')).toMatch(/:\d+: error: .*`shift` has no effect/);
  expect(shapeOf([1, 2], 'type: log, base: 1')).toMatch(/`base` must be a number above 0 and other than 1/);
});

test('clip passes the gradient at its bounds, as torch.clamp', () => {
  const found = runLayer({ x: [-1, -0.5, 0, 1, 2], shape: [1, 5], layers: 'type: clip, min: -0.5, max: 1' });
  expect([found.values, found.gradient]).toEqual([
    [-0.5, -0.5, 0, 1, 1],
    [0, 1, 1, 1, 0],
  ]);
  expect(row([-1, 3], 'clip, min: 0')).toEqual([0, 3]);
  expect(row([-1, 3], 'clip, max: 0')).toEqual([-1, 0]);
  expect(row([NaN, 3], 'clip, max: 0')).toEqual([NaN, 0]);
  expect(shapeOf([1, 2], 'type: clip')).toMatch(/needs `min` or `max`/);
  expect(shapeOf([1, 2], 'type: clip, min: 2, max: 1')).toMatch(/min 2 is above max 1/);
});

test.each([
  ['equal', [0, 1, 0]],
  ['not_equal', [1, 0, 1]],
  ['less', [1, 0, 0]],
  ['less_equal', [1, 1, 0]],
  ['greater', [0, 0, 1]],
  ['greater_equal', [0, 1, 1]],
])('%s compares with a number or a second input', (type, expected) => {
  expect(row([1, 2, 3], `${type}, value: 2`)).toEqual(expected);
  const both = `  - {name: k, type: constant, shape: [1, 1], value: 2}\n  - {name: y, type: ${type}, inputs: [x, k]}`;
  expect(runLayer({ x: [1, 2, 3], shape: [1, 3], layers: both }).values).toEqual(expected);
});

test('comparisons refuse what makes no sense', () => {
  expect(shapeOf([1, 2], 'type: less')).toMatch(/needs `value`, or a second input/);
  expect(shapeOf([1, 2], 'type: less, inputs: [x, x], value: 1')).toMatch(/no effect where there is a second input/);
  const whole = '  - {name: k, type: arange, stop: 3}\n  - {name: y, type: less, value: 0.5}';
  expect(shapeOf([1, 2], whole)).toMatch(/0.5 is no whole number/);
  const bools = (type: string): string => `  - {name: k, type: is_nan}\n  - {name: y, type: ${type}}`;
  expect(shapeOf([1, 2], bools('less, value: 1'))).toMatch(/works on numbers: `k` is bool/);
  expect(shapeOf([1, 2], bools('equal, value: 1'))).toMatch(/bools are not compared with numbers/);
  expect(shapeOf([1, 2], bools('equal, inputs: [k, k]'))).toEqual([1, 2]);
});

test('logic joins bools', () => {
  const run = (type: string, inputs = '[a, b]'): readonly number[] =>
    runLayer({
      x: [1, 2, 3],
      shape: [1, 3],
      layers: `  - {name: a, type: greater, value: 1, inputs: x}\n  - {name: b, type: less, value: 3, inputs: x}\n  - {name: y, type: ${type}, inputs: ${inputs}}`,
    }).values;
  expect(run('logical_and')).toEqual([0, 1, 0]);
  expect(run('logical_or')).toEqual([1, 1, 1]);
  expect(run('logical_xor')).toEqual([1, 0, 1]);
  expect(run('logical_not', 'a')).toEqual([1, 0, 0]);
  expect(run('logical_and', '[a, b, a]')).toEqual([0, 1, 0]);
  expect(shapeOf([1, 2], 'type: logical_not')).toMatch(/works on bools: `x` is float32/);
});

test('where chooses, and its branches get their gradients', () => {
  const layers = (rest: string): string =>
    `  - {name: m, type: greater, value: 1, inputs: x}\n  - {name: y, type: where, ${rest}}`;
  const found = runLayer({ x: [0, 1, 2], shape: [1, 3], layers: layers('inputs: [m, x], otherwise: -7') });
  expect([found.values, found.gradient]).toEqual([
    [-7, -7, 2],
    [0, 0, 1],
  ]);
  const both = '  - {name: k, type: neg, inputs: x}\n' + layers('inputs: [m, x, k]');
  const chosen = runLayer({ x: [0.5, 1, 2], shape: [1, 3], layers: both });
  expect([chosen.values, chosen.gradient]).toEqual([
    [-0.5, -1, 2],
    [-1, -1, 1],
  ]);
  expect(shapeOf([1, 3], layers('inputs: [m, x]'))).toMatch(/needs `otherwise`, or a third input/);
  expect(shapeOf([1, 3], layers('inputs: [m, x, x], otherwise: 1'))).toMatch(/no effect where there is a third/);
  expect(shapeOf([1, 3], layers('inputs: [x, x, x]'))).toMatch(/its first input must be of type bool/);
  expect(shapeOf([1, 3], layers('inputs: [m, x, m]'))).toMatch(/different element types/);
});

test('cast converts, and keeps what is of the type already', () => {
  const down = '  - {name: k, type: cast, dtype: int32}\n  - {name: y, type: cast, dtype: float32}';
  const found = runLayer({ x: [-1.7, 2.9], shape: [1, 2], layers: down });
  expect([found.values, found.gradient]).toEqual([[-1, 2], []]);
  expect(row([0, 3], 'cast, dtype: bool')).toEqual([0, 1]);
  const same = runLayer({ x: [0.5], shape: [1, 1], layers: 'type: cast, dtype: float32' });
  expect([same.values, same.gradient]).toEqual([[0.5], [1]]);
});

test('argmax and argmin find the first of equals', () => {
  const x = [1, 3, 3, -2, -2, 0];
  const run = (fields: string): readonly number[] =>
    runLayer({ x, shape: [1, 2, 3], layers: `type: ${fields}` }).values;
  expect(run('argmax, axis: -1')).toEqual([1, 2]);
  expect(run('argmin, axis: 2')).toEqual([0, 0]);
  expect(run('argmax')).toEqual([0, 0, 0]);
  expect(shapeOf([1, 2, 3], 'type: argmin, keepdims: true')).toEqual([1, 1, 3]);
});

test('constants fill or list', () => {
  const run = (fields: string): readonly number[] =>
    runLayer({ x: [0, 0, 0, 0], shape: [2, 2], layers: `type: ${fields}` }).values;
  expect(run('constant, shape: [N, 2], value: 7')).toEqual([7, 7, 7, 7]);
  expect(run('constant, values: [1, 2, 3]')).toEqual([1, 2, 3]);
  expect(run('arange, stop: N')).toEqual([0, 1]);
  expectClose(run('arange, start: 0.1, stop: 0.5, step: 0.1, dtype: float32'), [0.1, 0.2, 0.3, 0.4]);
  expect(run('arange, start: 3, stop: 0, step: -1')).toEqual([3, 2, 1]);
  const problem = (fields: string): unknown => shapeOf([2, 2], `type: ${fields}`);
  expect(problem('constant, shape: [2]')).toMatch(/needs `value` or `values`, one of the two/);
  expect(problem('constant, value: 1')).toMatch(/needs `shape`/);
  expect(problem('constant, shape: [2], values: [1, 2, 3]')).toMatch(/3 numbers do not fill a tensor of 2 elements/);
  expect(problem('constant, values: [1, 300], dtype: uint8')).toMatch(/:\d+: error: .*300 is no value of type uint8/);
  expect(problem('constant, shape: [K], value: 1')).toMatch(/no input has a dimension called 'K'/);
  expect(problem('arange, stop: K')).toMatch(/no input has a dimension called 'K'/);
  expect(problem('arange, stop: -1')).toMatch(/there is no number from 0 to below -1 in steps of 1/);
  expect(problem('arange, stop: 1, step: 0.5')).toMatch(/0.5 is no value of type int32/);
  expect(problem('arange, stop: 1.0e+9')).toMatch(/1000000000 numbers are too many/);
});

test('a parameter is a weight by itself', () => {
  const layers = '  - {name: k, type: parameter, shape: [2, 1]}\n  - {name: y, type: matmul, inputs: [x, k]}';
  const found = runLayer({ x: [1, 2], shape: [1, 2], layers, states: { 'k.weight': [10, 1] } });
  expect([found.values, found.gradient]).toEqual([[12], [10, 1]]);
});
