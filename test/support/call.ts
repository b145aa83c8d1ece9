/** Calls an op on literal tensors, without a graph: what the value tests do. */
import { InternalError } from '../../compiler/diagnostics/errors';
import { elementCount, type DType, type Shape, type TensorType } from '../../compiler/ir/types';
import type { Attrs } from '../../compiler/ir/graph';
import type { RefTensor } from '../../compiler/ops/define';
import { opNamed } from '../../compiler/ops/registry';

/** A tensor of the given shape; a flat list is a vector, a number a scalar. */
export function tensor(values: number | readonly number[], shape?: Shape, dtype: DType = 'f32'): RefTensor {
  const data = typeof values === 'number' ? [values] : values;
  return {
    type: { dtype, shape: shape ?? (typeof values === 'number' ? [] : [data.length]) },
    data: Float64Array.from(data),
  };
}

/** 0, 1, 2, … in that shape. */
export function counting(shape: Shape): RefTensor {
  return tensor(
    Array.from({ length: elementCount(shape) }, (_, i) => i),
    shape,
  );
}

export interface CallResult {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly values: number[];
}

export function callAll(op: string, inputs: readonly RefTensor[], attrs: Attrs = {}): CallResult[] {
  const def = opNamed(op);
  const types = def.infer(
    inputs.map((input) => input.type),
    attrs,
  );
  const results = def.evaluate(inputs, attrs, types);
  return types.map((type, k) => {
    const values = [...(results[k] ?? [])];
    expect(values).toHaveLength(elementCount(type.shape));
    return { shape: type.shape, dtype: type.dtype, values };
  });
}

/** The first output. */
export function call(op: string, inputs: readonly RefTensor[], attrs: Attrs = {}): CallResult {
  const [first] = callAll(op, inputs, attrs);
  if (!first) throw new InternalError(`${op} has no output`);
  return first;
}

/** The values of every output. */
export function valuesOf(op: string, inputs: readonly RefTensor[], attrs: Attrs = {}): number[][] {
  return callAll(op, inputs, attrs).map(({ values }) => values);
}

/** The inferred types alone: also for shapes too large to hold. */
export function inferOp(op: string, inputs: readonly TensorType[], attrs: Attrs = {}): readonly TensorType[] {
  return opNamed(op).infer(inputs, attrs);
}

/** Why the op refuses the inputs. */
export function refusal(op: string, inputs: readonly RefTensor[], attrs: Attrs = {}): string {
  try {
    opNamed(op).infer(
      inputs.map((input) => input.type),
      attrs,
    );
  } catch (error) {
    if (error instanceof Error && error.name === 'OpTypeError') return error.message;
    throw error;
  }
  return 'accepted';
}
