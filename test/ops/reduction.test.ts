/** Reductions, argmax and the finite check against hand-written results. */
import { OpDataError } from '../../compiler/ops/define';
import { call, refusal, tensor } from '../support/call';

const M = tensor([1, 5, 3, 4, 2, 6], [2, 3]);

test('reduce_sum adds along its axes', () => {
  expect(call('reduce_sum', [M], { axes: [0], keepdims: false })).toMatchObject({ shape: [3], values: [5, 7, 9] });
  expect(call('reduce_sum', [M], { axes: [1], keepdims: true })).toMatchObject({ shape: [2, 1], values: [9, 12] });
  expect(call('reduce_sum', [M], { axes: [0, 1], keepdims: false })).toMatchObject({ shape: [], values: [21] });
  expect(call('reduce_sum', [tensor([], [0, 2])], { axes: [0], keepdims: false }).values).toEqual([0, 0]);
});

test('reduce_max and reduce_min find the ends', () => {
  expect(call('reduce_max', [M], { axes: [1], keepdims: false }).values).toEqual([5, 6]);
  expect(call('reduce_min', [M], { axes: [0], keepdims: false }).values).toEqual([1, 2, 3]);
  expect(call('reduce_max', [tensor([1, NaN, 2])], { axes: [0], keepdims: false }).values).toEqual([NaN]);
  expect(call('reduce_max', [tensor([-3, -2], [2], 'i32')], { axes: [0], keepdims: false })).toMatchObject({
    dtype: 'i32',
    values: [-2],
  });
});

test('argmax takes the first of equals', () => {
  expect(call('argmax', [tensor([1, 3, 3, 2, 2, 2], [2, 3])], { axis: 1 })).toEqual({
    dtype: 'i32',
    shape: [2],
    values: [1, 0],
  });
  expect(call('argmax', [M], { axis: 0 }).values).toEqual([1, 0, 1]);
});

test('reductions refuse axes that are not there, bools, and the largest of nothing', () => {
  expect(refusal('reduce_sum', [M], { axes: [2], keepdims: false })).toBe('axis 2 was given, but the input has 2 axes');
  expect(refusal('reduce_sum', [M], { axes: [0, 0], keepdims: false })).toBe('axis 0 was given twice');
  expect(refusal('reduce_sum', [tensor([1], [1], 'bool')], { axes: [0], keepdims: false })).toBe(
    'takes numbers, found bool[1]: cast it first',
  );
  expect(refusal('reduce_max', [tensor([], [0])], { axes: [0], keepdims: false })).toBe(
    'an axis of f32[0] to reduce is empty',
  );
  expect(refusal('argmax', [M], { axis: 2 })).toContain('expected an axis of a tensor of rank 2 (0 to 1)');
});

test('check_finite passes numbers on and names what is not finite', () => {
  expect(call('check_finite', [M], { what: 'the loss' }).values).toEqual([1, 5, 3, 4, 2, 6]);
  expect(() => call('check_finite', [tensor([1, NaN])], { what: 'the loss' })).toThrow(
    new OpDataError('the loss is not finite: NaN'),
  );
  expect(() => call('check_finite', [tensor(-Infinity)], { what: 'the loss' })).toThrow('not finite: -Infinity');
});
