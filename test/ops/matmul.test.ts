/** Matrix products against hand-written results. */
import { call, refusal, tensor } from '../support/call';

const A = tensor([1, 2, 3, 4, 5, 6], [2, 3]);
const B = tensor([1, 0, 2, 1, 0, 3], [3, 2]);
const plain = { transpose_a: false, transpose_b: false };

test('matmul multiplies rows by columns', () => {
  expect(call('matmul', [A, B], plain)).toMatchObject({ shape: [2, 2], values: [5, 11, 14, 23] });
});

test('matmul transposes either side', () => {
  const at = tensor([1, 4, 2, 5, 3, 6], [3, 2]);
  const bt = tensor([1, 2, 0, 0, 1, 3], [2, 3]);
  expect(call('matmul', [at, B], { ...plain, transpose_a: true }).values).toEqual([5, 11, 14, 23]);
  expect(call('matmul', [A, bt], { ...plain, transpose_b: true }).values).toEqual([5, 11, 14, 23]);
  expect(call('matmul', [at, bt], { transpose_a: true, transpose_b: true }).values).toEqual([5, 11, 14, 23]);
});

test('matmul adds a bias to each row and rectifies after it', () => {
  expect(call('matmul', [A, B, tensor([1, -20])], plain).values).toEqual([6, -9, 15, 3]);
  expect(call('matmul', [A, B, tensor([1, -20])], { ...plain, activation: 'relu' }).values).toEqual([6, 0, 15, 3]);
});

test('matmul works batch by batch, and with one right side for all', () => {
  const left = tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
  const right = tensor([1, 0, 0, 1, 0, 1, 1, 0], [2, 2, 2]);
  expect(call('matmul', [left, right], plain)).toMatchObject({ shape: [2, 2, 2], values: [1, 2, 3, 4, 6, 5, 8, 7] });
  expect(call('matmul', [left, tensor([0, 1, 1, 0], [2, 2])], plain).values).toEqual([2, 1, 4, 3, 6, 5, 8, 7]);
});

test('matmul refuses what does not fit, naming both sides', () => {
  expect(refusal('matmul', [A, A], plain)).toBe('the inner extents differ: 3 of f32[2,3] and 2 of f32[2,3]');
  expect(refusal('matmul', [A, B, tensor([1, 2, 3])], plain)).toBe(
    'the bias is f32[3], expected one number for each of 2 columns',
  );
  expect(refusal('matmul', [A, tensor([1, 2, 3])], plain)).toBe(
    'both sides need at least 2 axes, found f32[2,3] and f32[3]',
  );
  expect(refusal('matmul', [tensor([1, 2], [1, 2, 1]), tensor([1, 2], [2, 1, 1])], plain)).toBe(
    'the batch dimensions of f32[1,2,1] and f32[2,1,1] differ',
  );
  expect(refusal('matmul', [A, B], { ...plain, activation: 'gelu' })).toContain('expected "relu"');
  expect(refusal('matmul', [A, B], {})).toBe("attribute 'transpose_a' is missing, expected true or false");
});
