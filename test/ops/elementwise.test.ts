/** Element-wise ops against known values, and the errors of the family. Gradients are in registry.test.ts. */
import { call, refusal, tensor } from '../support/call';

const NONE: readonly number[] = [];

function close(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  found.forEach((value, i) => {
    const wanted = expected[i] ?? NaN;
    if (Number.isNaN(wanted)) expect(value).toBeNaN();
    else expect(value).toBeCloseTo(wanted, 12);
  });
}

describe('unary ops give the known values', () => {
  const cases: [string, readonly number[], readonly number[]][] = [
    ['neg', [1, -2, 0.5], [-1, 2, -0.5]],
    ['abs', [1, -2, 0], [1, 2, 0]],
    ['sign', [-3, 0, 7], [-1, 0, 1]],
    ['exp', [0, 1, -1], [1, Math.E, 1 / Math.E]],
    ['expm1', [0, 1e-9], [0, 1.0000000005e-9]],
    ['log', [1, Math.E ** 2], [0, 2]],
    ['log1p', [0, Math.E - 1], [0, 1]],
    ['sqrt', [0, 4, 2], [0, 2, Math.SQRT2]],
    ['rsqrt', [1, 4, 0.25], [1, 0.5, 2]],
    ['square', [-3, 0.5], [9, 0.25]],
    ['reciprocal', [2, -4], [0.5, -0.25]],
    ['floor', [1.5, -1.5, 2], [1, -2, 2]],
    ['ceil', [1.5, -1.5, 2], [2, -1, 2]],
    ['round', [0.5, 1.5, 2.5, -0.5, -1.5, 1.4, -1.6], [0, 2, 2, 0, -2, 1, -2]],
    ['sigmoid', [0, Math.log(3), -Math.log(3), 800, -800], [0.5, 0.75, 0.25, 1, 0]],
    ['tanh', [0, 0.5 * Math.log(3), -Infinity], [0, 0.5, -1]],
    ['relu', [-1, 0, 2.5], [0, 0, 2.5]],
    ['sin', [0, Math.PI / 6, Math.PI / 2], [0, 0.5, 1]],
    ['cos', [0, Math.PI / 3, Math.PI], [1, 0.5, -1]],
    ['tan', [0, Math.PI / 4, -Math.PI / 3], [0, 1, -Math.sqrt(3)]],
    ['asin', [0, 0.5, -1, 2], [0, Math.PI / 6, -Math.PI / 2, NaN]],
    ['acos', [1, 0.5, -1, -2], [0, Math.PI / 3, Math.PI, NaN]],
    ['atan', [0, 1, -Infinity], [0, Math.PI / 4, -Math.PI / 2]],
    ['sinh', [0, Math.log(3)], [0, 4 / 3]],
    ['cosh', [0, -Math.log(3)], [1, 5 / 3]],
    ['asinh', [0, 4 / 3], [0, Math.log(3)]],
    ['acosh', [1, 5 / 3, 0.5], [0, Math.log(3), NaN]],
    ['atanh', [0, 0.5, 1], [0, Math.log(3) / 2, Infinity]],
    ['is_nan', [0, NaN, Infinity], [0, 1, 0]],
    ['is_finite', [0, NaN, Infinity, -Infinity, -1e300], [1, 0, 0, 0, 1]],
    // Abramowitz and Stegun, table 7.1
    [
      'erf',
      [0, 0.5, 1, 2, -1, 7],
      [0, 0.5204998778130465, 0.8427007929497149, 0.9953222650189527, -0.8427007929497149, 1],
    ],
  ];
  test.each(cases)('%s', (op, inputs, expected) => close(call(op, [tensor(inputs)]).values, expected));
});

describe('binary ops give the known values', () => {
  const cases: [string, readonly number[], readonly number[], readonly number[]][] = [
    ['add', [1, 2], [10, -5], [11, -3]],
    ['sub', [1, 2], [10, -5], [-9, 7]],
    ['mul', [3, -2], [4, 0.5], [12, -1]],
    ['div', [1, -3], [4, 2], [0.25, -1.5]],
    ['maximum', [1, -3, 2], [4, -5, 2], [4, -3, 2]],
    ['minimum', [1, -3, 2], [4, -5, 2], [1, -5, 2]],
    ['pow', [2, -2, 4, 0, 1], [10, 3, 0.5, 0, Infinity], [1024, -8, 2, 1, 1]],
    ['mod', [7, -7, 7, -7, 6, 5, 5, -5], [3, 3, -3, -3, 3, 0, Infinity, Infinity], [1, 2, -2, -1, 0, NaN, 5, Infinity]],
    ['atan2', [0, 1, 0, -1, 1, 0], [0, 1, -2, 0, -1, 3], [0, 0.25, 1, -0.5, 0.75, 0].map((turn) => turn * Math.PI)],
    ['equal', [1, 2], [1, 3], [1, 0]],
    ['not_equal', [1, 2], [1, 3], [0, 1]],
    ['less', [1, 2, 3], [2, 2, 2], [1, 0, 0]],
    ['less_equal', [1, 2, 3], [2, 2, 2], [1, 1, 0]],
    ['greater', [1, 2, 3], [2, 2, 2], [0, 0, 1]],
    ['greater_equal', [1, 2, 3], [2, 2, 2], [0, 1, 1]],
  ];
  test.each(cases)('%s', (op, a, b, expected) => close(call(op, [tensor(a), tensor(b)]).values, expected));

  test('an integer divided by zero leaves zero', () => {
    expect(call('mod', [tensor([5, -5], [2], 'i32'), tensor([0, 3], [2], 'i32')]).values).toEqual([0, 1]);
  });

  test('comparisons give bools', () => {
    expect(call('less', [tensor([1]), tensor([2])]).dtype).toBe('bool');
    expect(call('equal', [tensor([1], [1], 'i32'), tensor([1], [1], 'i32')])).toMatchObject({
      dtype: 'bool',
      values: [1],
    });
  });

  test('and, or and not work on bools', () => {
    const [a, b] = [tensor([0, 0, 1, 1], [4], 'bool'), tensor([0, 1, 0, 1], [4], 'bool')];
    expect(call('and', [a, b]).values).toEqual([0, 0, 0, 1]);
    expect(call('or', [a, b]).values).toEqual([0, 1, 1, 1]);
    expect(call('not', [a])).toMatchObject({ dtype: 'bool', values: [1, 1, 0, 0] });
  });

  test('a NaN passes through the extremes, the rectifier and the sign', () => {
    expect(call('maximum', [tensor([NaN, 1]), tensor([1, NaN])]).values).toEqual([NaN, NaN]);
    expect(call('minimum', [tensor([NaN, 1]), tensor([1, NaN])]).values).toEqual([NaN, NaN]);
    expect(call('relu', [tensor([NaN])]).values).toEqual([NaN]);
    expect(call('sign', [tensor([NaN])]).values).toEqual([NaN]);
    expect(call('not_equal', [tensor([NaN]), tensor([NaN])]).values).toEqual([1]);
  });
});

describe('broadcasting is NumPy’s', () => {
  test('aligns shapes from the right', () => {
    const a = tensor([1, 2, 3, 4, 5, 6], [2, 3]);
    expect(call('add', [a, tensor([10, 20, 30])])).toMatchObject({ shape: [2, 3], values: [11, 22, 33, 14, 25, 36] });
    expect(call('add', [a, tensor([10, 20], [2, 1])]).values).toEqual([11, 12, 13, 24, 25, 26]);
    expect(call('mul', [tensor(2), a]).values).toEqual([2, 4, 6, 8, 10, 12]);
  });

  test('repeats both sides where each has an extent of 1', () => {
    expect(call('sub', [tensor([1, 2], [2, 1]), tensor([1, 2, 3], [1, 3])])).toMatchObject({
      shape: [2, 3],
      values: [0, -1, -2, 1, 0, -1],
    });
  });

  test('where broadcasts all three', () => {
    const condition = tensor([1, 0], [2, 1], 'bool');
    expect(call('where', [condition, tensor([1, 2, 3]), tensor(0)])).toMatchObject({
      shape: [2, 3],
      values: [1, 2, 3, 0, 0, 0],
    });
  });

  test('keeps empty tensors empty', () => {
    expect(call('add', [tensor(NONE, [0, 3]), tensor(1)])).toMatchObject({ shape: [0, 3], values: [] });
  });
});

describe('the family refuses', () => {
  test('shapes that do not broadcast, naming both', () => {
    expect(refusal('add', [tensor([1, 2]), tensor([1, 2, 3])])).toBe(
      'the shapes [2] and [3] do not broadcast: aligned from the right, two extents must be equal or one of them 1',
    );
    const condition = tensor([1, 0], [2], 'bool');
    expect(refusal('where', [condition, tensor([1, 2, 3]), tensor(0)])).toContain('[2] and [3]');
  });

  test('mixed dtypes, naming both', () => {
    expect(refusal('mul', [tensor([1, 2]), tensor([1, 2], [2], 'i32')])).toBe(
      'the two sides have different dtypes, f32[2] and i32[2]: cast one of them',
    );
    expect(refusal('where', [tensor([1], [1], 'bool'), tensor(1), tensor(1, [], 'i32')])).toBe(
      'the two choices have different dtypes, f32[] and i32[]: cast one of them',
    );
  });

  test('dtypes that an op is not defined for', () => {
    expect(refusal('div', [tensor(4, [], 'i32'), tensor(2, [], 'i32')])).toBe(
      'takes floating-point numbers, found i32[]: cast it first',
    );
    expect(refusal('add', [tensor(1, [], 'bool'), tensor(1, [], 'bool')])).toBe(
      'takes numbers, found bool[]: cast it first',
    );
    expect(refusal('neg', [tensor(1, [], 'u8')])).toBe('takes signed numbers, found u8[]: cast it first');
    expect(refusal('not', [tensor(1)])).toBe('takes bools, found f32[]: cast it first');
    expect(refusal('where', [tensor(1), tensor(1), tensor(1)])).toBe('the condition must be bool, found f32[]');
  });

  test('a wrong number of inputs', () => {
    expect(refusal('add', [tensor(1)])).toBe('found 1 input, expected 2 inputs');
  });
});
