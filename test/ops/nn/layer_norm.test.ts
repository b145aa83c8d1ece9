/** The normalization of rows by hand, and what it refuses. */
import { tensorType } from '../../../compiler/ir/types';
import { inferOp, tensor, valuesOf } from '../../support/call';

const f32 = (...shape: number[]) => tensorType('f32', shape);
const attrs = { axis: 1, epsilon: 4, center: true };

describe('layer_norm', () => {
  test('normalizes each row by its mean and biased variance', () => {
    // Rows 1 3 5 7 (mean 4, variance 5) and 0 0 0 0.
    const x = tensor([1, 3, 5, 7, 0, 0, 0, 0], [2, 4]);
    const [y, mean, rstd] = valuesOf('layer_norm', [x, tensor([3, 3, 6, 3]), tensor([0, 1, 0, 2])], attrs);
    expect(y).toEqual([-3, 0, 2, 5, 0, 1, 0, 2]);
    expect([mean, rstd]).toEqual([
      [4, 0],
      [1 / 3, 0.5],
    ]);
  });

  test('without center it divides by the root mean square', () => {
    const [y, mean, rstd] = valuesOf('layer_norm', [tensor([1, 7], [1, 2])], { axis: 1, epsilon: 0, center: false });
    expect([mean, rstd]).toEqual([[0], [0.2]]);
    expect(y).toEqual([expect.closeTo(0.2, 14), expect.closeTo(1.4, 14)]);
  });

  test('says which shape or attribute does not fit', () => {
    expect(() => inferOp('layer_norm', [f32(4, 3, 2), f32(2)], attrs)).toThrow(
      'the shape of the gamma is [2], expected [3,2]',
    );
    expect(() => inferOp('layer_norm', [f32(4, 0)], attrs)).toThrow(
      'the input is f32[4,0]: its rows from axis 1 on are empty',
    );
    expect(() => inferOp('layer_norm', [f32(4, 3)], { ...attrs, epsilon: -1 })).toThrow(
      "attribute 'epsilon' is -1, expected a number from 0 on",
    );
    expect(() => inferOp('layer_norm', [f32(4)], attrs)).toThrow(/attribute 'axis' is 1, expected an axis/);
  });
});

describe('layer_norm_grad', () => {
  const [x, mean, rstd] = [tensor([-1, 0, 1], [1, 3]), tensor([0]), tensor([0.5])];

  test('gives no gradient to a constant shift of a row, unless nothing is centred', () => {
    const dy = tensor([2, 2, 2], [1, 3]);
    const centred = valuesOf('layer_norm_grad', [dy, x, mean, rstd, tensor([1, 1, 1])], attrs);
    expect(centred).toEqual([
      [0, 0, 0],
      [-1, 0, 1],
      [2, 2, 2],
    ]);
    const plain = valuesOf('layer_norm_grad', [dy, x, mean, rstd], { ...attrs, center: false });
    expect(plain).toEqual([[1, 1, 1]]);
  });

  test('has one output for each of its parameters', () => {
    const rows = [f32(2, 3), f32(2, 3), f32(2), f32(2)];
    expect(inferOp('layer_norm_grad', rows, attrs)).toHaveLength(1);
    expect(inferOp('layer_norm_grad', [...rows, f32(3)], attrs)).toHaveLength(3);
    expect(() => inferOp('layer_norm_grad', [...rows.slice(0, 3), f32(3)], attrs)).toThrow(
      'the shape of the rstd is [3], expected [2]',
    );
  });
});
