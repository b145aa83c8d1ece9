/** Ops that move elements, against hand-written results, and what they refuse. */
import { call, refusal, tensor } from '../support/call';

const M = tensor([1, 2, 3, 4, 5, 6], [2, 3]);

test('constant fills a shape with one value or lists all', () => {
  expect(call('constant', [], { dtype: 'f32', shape: [2, 2], values: [0.5] }).values).toEqual([0.5, 0.5, 0.5, 0.5]);
  expect(call('constant', [], { dtype: 'i32', shape: [3], values: [1, 2, 3] })).toEqual({
    dtype: 'i32',
    shape: [3],
    values: [1, 2, 3],
  });
  expect(refusal('constant', [], { dtype: 'f32', shape: [3], values: [1, 2] })).toBe(
    '2 values were given for 3 elements of [3]',
  );
  expect(refusal('constant', [], { dtype: 'i32', shape: [], values: [0.5] })).toBe('0.5 is no value of i32');
  expect(refusal('constant', [], { dtype: 'f16', shape: [], values: [0] })).toContain(`"f16", expected one of f32`);
});

test('cast truncates towards zero, holds at the ends of the range and makes bools of anything but zero', () => {
  expect(call('cast', [tensor([1.9, -1.9, 3e9, -3e9, NaN])], { dtype: 'i32' }).values).toEqual([
    1, -1, 2147483647, -2147483648, 0,
  ]);
  expect(call('cast', [tensor([-1, 255.5, 300])], { dtype: 'u8' }).values).toEqual([0, 255, 255]);
  expect(call('cast', [tensor([0, -0.1, 2])], { dtype: 'bool' })).toMatchObject({ dtype: 'bool', values: [0, 1, 1] });
  expect(call('cast', [tensor([1, 0], [2], 'bool')], { dtype: 'f32' })).toMatchObject({ dtype: 'f32', values: [1, 0] });
  expect(refusal('cast', [tensor(1)], { dtype: 'float' })).toContain('"float", expected one of');
});

test('reshape keeps the order of the elements', () => {
  expect(call('reshape', [M], { shape: [3, 2] })).toMatchObject({ shape: [3, 2], values: [1, 2, 3, 4, 5, 6] });
  expect(refusal('reshape', [M], { shape: [4] })).toBe('[2,3] has 6 elements and cannot become [4], which has 4');
});

test('transpose puts input axis perm[i] at output axis i', () => {
  expect(call('transpose', [M], { perm: [1, 0] })).toMatchObject({ shape: [3, 2], values: [1, 4, 2, 5, 3, 6] });
  const cube = tensor([0, 1, 2, 3, 4, 5, 6, 7], [2, 2, 2]);
  expect(call('transpose', [cube], { perm: [2, 0, 1] }).values).toEqual([0, 2, 4, 6, 1, 3, 5, 7]);
  expect(refusal('transpose', [M], { perm: [0, 0] })).toContain('each axis must occur once and 1 does not');
});

test('broadcast_to repeats along new axes and extents of 1', () => {
  expect(call('broadcast_to', [tensor([1, 2])], { shape: [3, 2] }).values).toEqual([1, 2, 1, 2, 1, 2]);
  expect(call('broadcast_to', [tensor([1, 2], [2, 1])], { shape: [2, 2] }).values).toEqual([1, 1, 2, 2]);
  expect(refusal('broadcast_to', [tensor([1, 2])], { shape: [2, 3] })).toBe('[2] does not broadcast to [2,3]');
  expect(refusal('broadcast_to', [M], { shape: [3] })).toBe('[2,3] does not broadcast to [3]');
});

test('concat joins along its axis', () => {
  expect(call('concat', [M, tensor([7, 8, 9], [1, 3])], { axis: 0 }).values).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(call('concat', [M, tensor([7, 8], [2, 1])], { axis: 1 })).toMatchObject({
    shape: [2, 4],
    values: [1, 2, 3, 7, 4, 5, 6, 8],
  });
  expect(refusal('concat', [M, tensor([7, 8], [1, 2])], { axis: 0 })).toBe(
    'input 1 is f32[1,2], which does not fit to f32[2,3] along axis 0: the dtype and all other extents must agree',
  );
});

test('slice takes starts to limits by strides', () => {
  const row = tensor([0, 1, 2, 3, 4, 5, 6]);
  expect(call('slice', [row], { starts: [1], limits: [6], strides: [2] })).toMatchObject({
    shape: [3],
    values: [1, 3, 5],
  });
  expect(call('slice', [M], { starts: [0, 1], limits: [2, 3], strides: [1, 1] }).values).toEqual([2, 3, 5, 6]);
  expect(refusal('slice', [row], { starts: [3], limits: [9], strides: [1] })).toBe(
    'the range 3..9 of axis 0 is not inside its extent, 7',
  );
});

test('pad puts values around and between', () => {
  const attrs = { low: [1], high: [2], interior: [1], value: 9 };
  expect(call('pad', [tensor([1, 2])], attrs)).toMatchObject({ shape: [6], values: [9, 1, 9, 2, 9, 9] });
  expect(call('pad', [M], { low: [0, 1], high: [1, 0], interior: [0, 0], value: 0 }).values).toEqual([
    0, 1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0,
  ]);
  expect(refusal('pad', [M], { low: [-1, 0], high: [0, 0], interior: [0, 0], value: 0 })).toContain('at least 0');
});
