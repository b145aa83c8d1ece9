/** Holding a value between two bounds, in the two ways that gradients differ at the bounds themselves. */
import type { Value } from '../../ir/graph';
import type { Arithmetic } from '../../ops/families/arithmetic';

/** Gradient 0 at the bounds, as PyTorch has it for relu6, hardtanh and hardsigmoid. NaN stays. */
export function hold(m: Arithmetic, x: Value, low: number, high: number): Value {
  return m.op('clamp', x, low, high);
}

/** Gradient 1 at the bounds, as torch.clamp and Caffe's Clip have it. NaN stays. */
export function clipTo(m: Arithmetic, x: Value, low?: number, high?: number): Value {
  const above = high === undefined ? x : m.where(m.greater(x, high), high, x);
  return low === undefined ? above : m.where(m.op('less', x, low), low, above);
}
