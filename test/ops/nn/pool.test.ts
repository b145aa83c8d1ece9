/** Poolings against windows worked out by hand. */
import type { Attrs } from '../../../compiler/ir/graph';
import { tensorType } from '../../../compiler/ir/types';
import { counting, inferOp, tensor, valuesOf } from '../../support/call';

function attrs(kernel: readonly number[], stride: readonly number[], changes: Attrs = {}): Attrs {
  const none = kernel.map(() => 0);
  return { kernel, stride, padding_low: none, padding_high: none, ...changes };
}

function averaging(kernel: readonly number[], stride: readonly number[], changes: Attrs = {}): Attrs {
  return { ...attrs(kernel, stride), overhang: kernel.map(() => 0), count_include_pad: true, ...changes };
}

const f32 = (...shape: number[]) => tensorType('f32', shape);

describe('max_pool', () => {
  test('gives the maximum of each window and its position in the input plane', () => {
    const x = tensor([1, 9, 2, 3, 4, 5, 8, 7, -1, -2, -3, -4, -5, -6, -7, -8], [1, 2, 2, 4]);
    const [y, index] = valuesOf('max_pool', [x], attrs([2, 2], [2, 2]));
    expect(y).toEqual([9, 8, -1, -3]);
    expect(index).toEqual([1, 6, 0, 2]);
  });

  test('takes the first of equal elements', () => {
    const [, index] = valuesOf('max_pool', [tensor([3, 3, 3, 3], [1, 1, 2, 2])], attrs([2, 2], [1, 1]));
    expect(index).toEqual([0]);
  });

  test('never lets padding win over negative numbers', () => {
    const x = tensor([-4, -3, -2, -1], [1, 1, 2, 2]);
    const around = attrs([2, 2], [2, 2], { padding_low: [1, 1], padding_high: [1, 1] });
    expect(valuesOf('max_pool', [x], around)).toEqual([
      [-4, -3, -2, -1],
      [0, 1, 2, 3],
    ]);
  });

  test('lets a NaN and minus infinity through', () => {
    const [y, index] = valuesOf('max_pool', [tensor([1, NaN, -Infinity, -Infinity], [1, 1, 4])], attrs([2], [2]));
    expect(y).toEqual([NaN, -Infinity]);
    expect(index).toEqual([1, 2]);
  });

  test('gives the gradient to the winners, summed where windows overlap', () => {
    const inputs = [tensor([10, 20, 30], [1, 1, 3]), tensor([1, 1, 4], [1, 1, 3], 'i32')];
    expect(valuesOf('max_pool_grad', inputs, { input_shape: [1, 1, 5] })).toEqual([[0, 30, 0, 0, 30]]);
  });

  test('refuses an index outside the plane', () => {
    const inputs = [tensor([1], [1, 1, 1]), tensor([5], [1, 1, 1], 'i32')];
    expect(() => valuesOf('max_pool_grad', inputs, { input_shape: [1, 1, 5] })).toThrow(
      'index 5 is outside a plane of 5',
    );
  });
});

describe('avg_pool', () => {
  const line = counting([1, 1, 5]);

  test('divides by the window', () => {
    expect(valuesOf('avg_pool', [counting([1, 1, 2, 4])], averaging([2, 2], [2, 2]))).toEqual([[2.5, 4.5]]);
  });

  test('counts padding where asked to', () => {
    const padded = averaging([3], [2], { padding_low: [1], padding_high: [1] });
    expect(valuesOf('avg_pool', [line], padded)).toEqual([[1 / 3, 2, 7 / 3]]);
    expect(valuesOf('avg_pool', [line], { ...padded, count_include_pad: false })).toEqual([[1 / 2, 2, 7 / 2]]);
  });

  test('never counts what only ceil mode added', () => {
    const hanging = averaging([2], [2], { padding_high: [1], overhang: [1] });
    expect(valuesOf('avg_pool', [line], hanging)).toEqual([[0.5, 2.5, 4]]);
    expect(valuesOf('avg_pool', [line], { ...hanging, overhang: [0] })).toEqual([[0.5, 2.5, 2]]);
  });

  test('spreads the gradient by the same divisors', () => {
    const hanging = { ...averaging([2], [2], { padding_high: [1], overhang: [1] }), input_shape: [1, 1, 5] };
    expect(valuesOf('avg_pool_grad', [tensor([2, 4, 6], [1, 1, 3])], hanging)).toEqual([[1, 1, 2, 2, 6]]);
  });
});

describe('a pooling says what is wrong', () => {
  const cases: [string, Parameters<typeof inferOp>[1], Attrs, string][] = [
    ['a kernel too large', [f32(1, 1, 3, 3)], attrs([5, 5], [1, 1]), 'kernel 5×5 is larger than the padded input 3×3'],
    [
      'a window in the padding before',
      [f32(1, 1, 4, 4)],
      attrs([2, 2], [1, 1], { padding_low: [2, 0] }),
      'padding 2 is not smaller than the kernel 2: the first window holds only padding',
    ],
    [
      'a window in the padding behind',
      [f32(1, 1, 4, 4)],
      attrs([2, 2], [2, 2], { padding_high: [0, 2] }),
      "the last window starts at 4, behind the input's 4: it holds only padding",
    ],
    [
      'labels',
      [tensorType('i32', [1, 1, 4, 4])],
      attrs([2, 2], [2, 2]),
      'expected floating-point numbers as input, found i32[1,1,4,4]',
    ],
    [
      'a kernel of 0',
      [f32(1, 1, 4, 4)],
      attrs([0, 2], [2, 2]),
      "attribute 'kernel' is [0, 2], expected numbers of at least 1",
    ],
    ['rows', [f32(4, 10)], attrs([2], [2]), 'the input is f32[4,10], expected [N, C] and one to three spatial axes'],
    [
      'a plane beyond 32 bits',
      [f32(1, 1, 65536, 65536)],
      attrs([2, 2], [2, 2]),
      'a plane of more than 2147483647 elements cannot be indexed',
    ],
  ];
  test.each(cases)('%s', (_title, inputs, given, message) => {
    expect(() => inferOp('max_pool', inputs, given)).toThrow(message);
  });

  test('an overhang that is no part of the padding', () => {
    const given = averaging([2, 2], [2, 2], { overhang: [1, 0] });
    expect(() => inferOp('avg_pool', [f32(1, 1, 4, 4)], given)).toThrow(
      'overhang 1 is more than the padding_high 0 it is part of',
    );
  });

  test('a gradient of another shape than the output', () => {
    const given = { ...averaging([2, 2], [2, 2]), input_shape: [1, 1, 4, 4] };
    expect(() => inferOp('avg_pool_grad', [f32(1, 1, 3, 3)], given)).toThrow(
      'the shape of the gradient is [1,1,3,3], expected [1,1,2,2]',
    );
  });
});
