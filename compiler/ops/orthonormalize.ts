/** Rows made orthogonal to each other and of length 1, one after the other. */
import { tensorType } from '../ir/types';
import { inputAt, requireArity, requireFloat } from './attributes';
import { defineOp, OpTypeError } from './define';

export const orthonormalize = defineOp({
  name: 'orthonormalize',
  doc:
    'x [R, C], R ≤ C, to y like x with y·yᵀ = 1: row i is x[i] less its parts along rows 0 … i − 1, divided by its ' +
    'length (the Q of a QR decomposition of xᵀ whose R has a positive diagonal, by modified Gram–Schmidt, in double). ' +
    'A row that depends on those before it becomes 0. No gradient.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs) {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    requireFloat(x, 'input');
    const [rows, columns] = x.shape;
    if (x.shape.length !== 2 || rows === undefined || columns === undefined || rows > columns) {
      throw new OpTypeError(`takes a matrix with no more rows than columns, found [${x.shape.join(',')}]`);
    }
    return [x];
  },

  evaluate(inputs) {
    const x = inputAt(inputs, 0, 'input');
    const [rows = 0, columns = 0] = x.type.shape;
    const y = Float64Array.from(x.data as ArrayLike<number>);
    const row = (i: number): Float64Array => y.subarray(i * columns, (i + 1) * columns);
    const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0);
    for (let i = 0; i < rows; i++) {
      const own = row(i);
      const before = Math.sqrt(dot(own, own));
      for (let j = 0; j < i; j++) {
        const along = dot(row(j), own);
        row(j).forEach((value, k) => (own[k] = (own[k] ?? 0) - along * value));
      }
      const length = Math.sqrt(dot(own, own));
      const scale = length > DEPENDENT * before ? 1 / length : 0;
      own.forEach((value, k) => (own[k] = value * scale));
    }
    return [y];
  },

  cost(inputs) {
    const [rows = 0, columns = 0] = inputAt(inputs, 0, 'input').shape;
    return { flops: 2 * rows * rows * columns };
  },

  /** The rows in double. */
  workspace(inputs) {
    const [rows = 0, columns = 0] = inputAt(inputs, 0, 'input').shape;
    return 8 * rows * columns;
  },

  samples: [
    { name: 'wide', inputs: [tensorType('f32', [3, 7])], attrs: {}, wrt: [] },
    { name: 'square', inputs: [tensorType('f32', [5, 5])], attrs: {}, wrt: [] },
    { name: 'more than a panel', inputs: [tensorType('f32', [35, 37])], attrs: {}, wrt: [] },
    { name: 'one row', inputs: [tensorType('f32', [1, 3])], attrs: {}, wrt: [] },
    {
      name: 'a row that depends on another, and one of zeros',
      inputs: [tensorType('f32', [3, 3])],
      attrs: {},
      values: { 0: [3, 0, 4, 6, 0, 8, 0, 0, 0] },
      wrt: [],
    },
  ],
});

/** Less than this share of a row is left where it depends on the rows before it. */
const DEPENDENT = 1e-12;
