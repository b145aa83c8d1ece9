/** Inputs that hold positions: what layers that look up, write and count by them have in common. */
import type { Value } from '../../ir/graph';
import { numberOf } from '../fields';
import type { LowerContext } from '../define';
import { tableOf } from '../table';

/** Refuses indices that are no integers; `what` is the word for them. */
export function requireIndices(context: LowerContext, indices: Value, what = 'indices'): void {
  if (indices.type.dtype === 'i32' || indices.type.dtype === 'i64') return;
  context.mismatch('dtype', `the ${what} have to be int32 or int64`, 'declare the input with `dtype: int32`');
}

/** The indices, as i32, once it is known of each that it is one of 0 … size − 1; anything else stops the run. */
export function checkedIndices({ b }: LowerContext, indices: Value, size: number): Value {
  const positions = b.constant(
    tableOf(size, (i) => i),
    [size],
    'i32',
  );
  return b.op('gather', [positions, indices], { axis: 0, batch_dims: 0 });
}

/** The field `batch_dims`; 1 where it is not given. */
export const batchDims = {
  description: 'How many of the first axes both inputs share: each sample has indices of its own unless it is 0.',
  type: 'integer',
  minimum: 0,
} as const;

/** How many of the first axes both tensors share, checked against their shapes. */
export function batchDimsOf(context: LowerContext, data: Value, indices: Value, axis: number): number {
  const count = context.fields['batch_dims'] === undefined ? 1 : numberOf(context.fields, 'batch_dims');
  const [shape, own] = [data.type.shape, indices.type.shape];
  if (count > axis) context.fail(['batch_dims'], `${count} batch axes reach beyond axis ${axis}`);
  if (count > own.length || own.slice(0, count).some((extent, i) => extent !== shape[i])) {
    context.mismatch('shape', `the first ${count === 1 ? 'axis' : `${count} axes`} of both have to agree`);
  }
  return count;
}
