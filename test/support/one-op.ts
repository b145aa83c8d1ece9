/** A graph of one op, as the sample-driven tests run it. */
import { Builder } from '../../compiler/ir/builder';
import type { Graph, Value } from '../../compiler/ir/graph';
import type { OpDef, OpSample } from '../../compiler/ops/define';

export interface OneOp {
  readonly b: Builder;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** Inputs are called x0, x1, …; nothing is a result yet. */
export function oneOp(def: OpDef, sample: OpSample): OneOp {
  const b = new Builder(def.name);
  const inputs = sample.inputs.map((type, i) => b.input(`x${i}`, type));
  const outputs = sample.build?.(b, inputs) ?? b.ops(def.name, inputs, sample.attrs ?? {}, 'y');
  return { b, inputs, outputs };
}

/** The same with every output as a result y0, y1, …. */
export function oneOpGraph(def: OpDef, sample: OpSample): Graph {
  const { b, outputs } = oneOp(def, sample);
  outputs.forEach((output, i) => b.result(`y${i}`, output));
  return b.build();
}

/** Input tensors by the names that `oneOp` gives. */
export function named<T>(tensors: readonly T[]): Record<string, T> {
  return Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor]));
}
