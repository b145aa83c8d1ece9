/** Element-wise choice. */
import { formatType } from '../../ir/types';
import { OpTypeError } from '../define';
import { elementwise } from '../families/elementwise';

export const where = elementwise({
  name: 'where',
  doc: 'y = a where the condition holds, else b. Gradients: g where it holds and 0 elsewhere; the other way round.',
  inputs: ['condition', 'a', 'b'],
  apply: (condition, a, b) => (condition !== 0 ? a : b),
  dtypeOf: ([condition, a, b]) => {
    if (condition?.dtype !== 'bool') {
      throw new OpTypeError(`the condition must be bool, found ${condition ? formatType(condition) : 'nothing'}`);
    }
    if (!a || !b || a.dtype !== b.dtype) {
      throw new OpTypeError(
        `the two choices have different dtypes, ${a ? formatType(a) : 'nothing'} and ` +
          `${b ? formatType(b) : 'nothing'}: cast one of them`,
      );
    }
    return a.dtype;
  },
  grad: [
    () => undefined,
    (m, g, { a: condition }) => m.where(condition, g, 0),
    (m, g, { a: condition }) => m.where(condition, 0, g),
  ],
  samples: [
    { inputs: [bool([4, 5]), f32([4, 5]), f32([4, 5])] },
    { inputs: [bool([7]), { dtype: 'i64', shape: [7] }, { dtype: 'i64', shape: [] }], range: [-9, 9] },
    { inputs: [bool([5]), f32([]), f32([4, 5])] },
    { inputs: [bool([2, 1, 3]), f32([4, 1]), f32([1, 4, 3])] },
  ],
});

function bool(shape: readonly number[]) {
  return { dtype: 'bool', shape } as const;
}

function f32(shape: readonly number[]) {
  return { dtype: 'f32', shape } as const;
}
