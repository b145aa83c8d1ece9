/** Batch and response normalization against numbers worked out by hand. */
import { tensorType } from '../../../compiler/ir/types';
import { inferOp, tensor, valuesOf } from '../../support/call';

const f32 = (...shape: number[]) => tensorType('f32', shape);

describe('batch_norm_train', () => {
  test('normalizes each channel over images and positions, with the biased variance', () => {
    // Channel 0 holds 1 3 5 7 (mean 4, variance 5), channel 1 holds 0 0 2 2 (mean 1, variance 1).
    const x = tensor([1, 3, 0, 0, 5, 7, 2, 2], [2, 2, 2]);
    const [y, mean, variance] = valuesOf('batch_norm_train', [x, tensor([3, 2], [2]), tensor([10, -1], [2])], {
      epsilon: 4,
    });
    expect(mean).toEqual([4, 1]);
    expect(variance).toEqual([5, 1]);
    const wide = Math.sqrt(5);
    expect(y?.slice(0, 2)).toEqual([7, 9]);
    expect(y?.[2]).toBeCloseTo(-2 / wide - 1, 14);
    expect(y?.[7]).toBeCloseTo(2 / wide - 1, 14);
  });

  test('keeps its digits far from zero', () => {
    const [, mean, variance] = valuesOf(
      'batch_norm_train',
      [tensor([1e6, 1e6 + 1], [2, 1]), tensor([1], [1]), tensor([0], [1])],
      { epsilon: 1e-5 },
    );
    expect([mean, variance]).toEqual([[1e6 + 0.5], [0.25]]);
  });

  test('says which shape does not fit', () => {
    const epsilon = { epsilon: 1e-5 };
    expect(() => inferOp('batch_norm_train', [f32(4, 3, 2), f32(4), f32(3)], epsilon)).toThrow(
      'the shape of the gamma is [4], expected [3]',
    );
    expect(() => inferOp('batch_norm_train', [f32(4), f32(4), f32(4)], epsilon)).toThrow(
      'the input is f32[4], expected [N, C, …] with channels on axis 1',
    );
    expect(() => inferOp('batch_norm_train', [f32(4, 3), f32(3), f32(3)], { epsilon: 0 })).toThrow(
      "attribute 'epsilon' is 0, expected a number above 0",
    );
  });
});

describe('batch_norm_grad', () => {
  test('gives no gradient to a constant shift of its input', () => {
    const channel = tensor([1], [1]);
    const [dx, dgamma, dbeta] = valuesOf(
      'batch_norm_grad',
      [tensor([2, 2, 2], [3, 1]), tensor([-1, 0, 1], [3, 1]), channel, tensor([0], [1]), tensor([2 / 3], [1])],
      { epsilon: 1e-5 },
    );
    expect(dx).toEqual([0, 0, 0]);
    expect(dgamma?.[0]).toBeCloseTo(0, 14);
    expect(dbeta).toEqual([6]);
  });
});

describe('lrn', () => {
  test('sums squares over neighbouring channels and divides alpha by the size', () => {
    const x = tensor([1, 2, 3, 4], [1, 4]);
    // Windows 1²+2², 1²+2²+3², 2²+3²+4², 3²+4².
    const scales = [1 + 5, 1 + 14, 1 + 29, 1 + 25];
    const [y] = valuesOf('lrn', [x], { size: 3, alpha: 3, beta: 1, k: 1 });
    expect(y).toEqual([1 / 6, 2 / 15, 3 / 30, 4 / 26].map((v) => expect.closeTo(v, 14) as number));
    expect(scales).toHaveLength(4);
  });

  test('reaches one channel further down where the size is even', () => {
    const [y] = valuesOf('lrn', [tensor([1, 10, 100], [1, 3])], { size: 2, alpha: 2, beta: 1, k: 0 });
    expect(y).toEqual([1, 10 / 101, 100 / 10100].map((v) => expect.closeTo(v, 14) as number));
  });

  test('says what is wrong', () => {
    const attrs = { size: 0, alpha: 1, beta: 1, k: 1 };
    expect(() => inferOp('lrn', [f32(1, 4)], attrs)).toThrow(
      "attribute 'size' is 0, expected an integer of at least 1",
    );
    expect(() => inferOp('lrn', [f32(4)], { ...attrs, size: 5 })).toThrow('the input is f32[4], expected [N, C, …]');
    expect(() => inferOp('lrn_grad', [f32(1, 4), f32(1, 5)], { ...attrs, size: 5 })).toThrow(
      'the shape of the gradient is [1,4], expected [1,5]',
    );
  });
});
