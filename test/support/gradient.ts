/** The gradient of one op on one of its samples, against finite differences. */
import { differentiate } from '../../compiler/autodiff/differentiate';
import type { Graph } from '../../compiler/ir/graph';
import { elementCount, isFloat } from '../../compiler/ir/types';
import type { OpDef, OpSample, RefTensor } from '../../compiler/ops/define';
import { interpret } from '../../compiler/reference/interpret';
import { compareDerivatives, type Derivative } from './finite-differences';
import { named, oneOp } from './one-op';
import { generator, sampleInputs } from './samples';

/** The inputs whose gradient a sample tests. */
export function wrtOf(sample: OpSample): readonly number[] {
  return sample.wrt ?? sample.inputs.flatMap((type, k) => (isFloat(type.dtype) ? [k] : []));
}

/** How many derivatives were compared, and those that are not what finite differences give. */
export function gradientMistakes(
  def: OpDef,
  sample: OpSample,
): { readonly compared: number; readonly wrong: readonly Derivative[] } {
  const wrt = wrtOf(sample);
  const inputs = sampleInputs(sample);
  const { weighted, gradients } = gradientGraphs(def, sample, wrt);
  const scalar = (tensors: readonly RefTensor[]): number =>
    interpret(weighted, named(tensors)).results['f']?.data[0] ?? NaN;
  const results = interpret(gradients, named(inputs)).results;
  const derivatives = compareDerivatives(
    scalar,
    inputs,
    wrt,
    wrt.map((k) => results[`d_x${k}`]?.data),
  );
  const wrong = derivatives.filter(({ expected, found, allowed }) => !(Math.abs(expected - found) <= allowed));
  return { compared: derivatives.length, wrong };
}

/** f = Σ w · y over all floating-point outputs, and the gradients of f. */
function gradientGraphs(
  def: OpDef,
  sample: OpSample,
  wrt: readonly number[],
): { readonly weighted: Graph; readonly gradients: Graph } {
  const { b, inputs, outputs } = oneOp(def, sample);
  const random = generator(3);
  let f = b.full(0);
  for (const y of outputs.filter((output) => isFloat(output.type.dtype))) {
    const weights = Array.from({ length: elementCount(y.type.shape) }, () => 2 * random() - 1);
    const terms = b.op('mul', [y, b.constant(weights, y.type.shape, y.type.dtype)]);
    const axes = y.type.shape.map((_, axis) => axis);
    const sum = b.op('reduce_sum', [terms], { axes, keepdims: false });
    f = b.op('add', [f, b.op('cast', [sum], { dtype: 'f32' })]);
  }
  b.result('f', f);
  const weighted = b.build();
  const values = wrt.flatMap((k) => inputs[k] ?? []);
  differentiate(b, f, values).forEach((gradient, i) => {
    if (gradient) b.result(`d_x${wrt[i]}`, gradient);
  });
  return { weighted, gradients: b.build() };
}
