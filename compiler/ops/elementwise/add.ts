/** Addition and subtraction. */
import type { DType, TensorType } from '../../ir/types';
import type { OpSample } from '../define';
import { binary } from '../families/elementwise';

export const add = binary({
  name: 'add',
  doc: 'y = a + b. Gradients: g, g.',
  takes: 'number',
  commutative: true,
  apply: (a, b) => a + b,
  samples: [whole('i32'), whole('i64'), whole('u8')],
  grad: [(_, g) => g, (_, g) => g],
});

export const sub = binary({
  name: 'sub',
  doc: 'y = a − b. Gradients: g, −g.',
  takes: 'number',
  apply: (a, b) => a - b,
  samples: [whole('i32'), { inputs: [double(5, 3), double(3)] }],
  grad: [(_, g) => g, (m, g) => m.neg(g)],
});

function whole(dtype: DType): OpSample {
  const side = { dtype, shape: [7, 5] };
  return { name: `of ${dtype}`, inputs: [side, side], range: [0, 99] };
}

function double(...shape: readonly number[]): TensorType {
  return { dtype: 'f64', shape };
}
