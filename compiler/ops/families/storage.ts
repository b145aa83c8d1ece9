/**
 * bfloat16 as ops have it: how activations and their gradients are stored, while arithmetic, parameters, statistics and
 * losses stay float32. A kernel reads and writes images in it where their channels lie together.
 */
import { toBfloat16 } from '../../ir/bfloat16';
import type { Attrs } from '../../ir/graph';
import type { DType, TensorType } from '../../ir/types';
import { formatType } from '../../ir/types';
import { requireSameDtype } from '../attributes';
import { OpTypeError, type RefTensor } from '../define';
import { isChannelsLast } from './layout';

/** What parameters, statistics and sums are in, beside activations of this dtype. */
export function parameterDType(dtype: DType): DType {
  return dtype === 'bf16' ? 'f32' : dtype;
}

/** The first is an image, the others are parameters and statistics beside it. */
export function requireParameters(types: readonly TensorType[], names: readonly string[]): void {
  const [x, ...others] = types;
  if (x?.dtype !== 'bf16') {
    requireSameDtype(types, names);
    return;
  }
  others.forEach((type, i) => {
    if (type.dtype !== 'f32') {
      throw new OpTypeError(`the ${names[i + 1]} is ${formatType(type)}, expected f32 beside a ${names[0]} in bf16`);
    }
  });
}

/** Rank 2 has its channels last by nature. */
export function requireChannelsTogether(x: TensorType, name: string, attrs: Attrs): void {
  if (x.dtype === 'bf16' && x.shape.length > 2 && !isChannelsLast(attrs)) {
    throw new OpTypeError(`the ${name} is ${formatType(x)}: bf16 needs channels last`);
  }
}

/** An operand as the kernel multiplies it: rounded, where the other one is stored as bfloat16. */
export function operandOf({ data }: RefTensor, rounded: boolean): Float64Array {
  return rounded ? data.map(toBfloat16) : data;
}
