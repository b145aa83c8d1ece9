/**
 * Evaluates at compile time what depends on constants alone, through the op's own reference, rounded to the result's
 * dtype as the kernel would. Large results and expensive expressions are left to the runtime.
 */
import { toBfloat16 } from '../ir/bfloat16';
import type { Attrs, Node } from '../ir/graph';
import { rewriteNodes } from '../ir/rewrite';
import { elementCount, type DType } from '../ir/types';
import type { RefTensor } from '../ops/define';
import { opNamed } from '../ops/registry';
import { definePass, type Facts } from './define';

export const fold = definePass({
  name: 'fold',
  doc: 'Computes what depends on constants alone.',
  run: (graph, facts) =>
    rewriteNodes(graph, (node, context) => {
      const constants = node.inputs.map((input) => context.definition(input));
      if (constants.some((constant) => constant?.op !== 'constant') || !isWorthFolding(node, facts)) return undefined;
      const inputs = constants.map((constant) => constantTensor(constant as Node));
      const outputs = node.outputs.map((output) => output.type);
      const results = opNamed(node.op).evaluate(inputs, node.attrs, outputs);
      return outputs.map((type, i) => {
        const values = roundTo(type.dtype, results[i] as Float64Array);
        const [first] = values;
        const filled = first !== undefined && values.every((value) => Object.is(value, first));
        const attrs: Attrs = { dtype: type.dtype, shape: type.shape, values: filled ? [first] : values };
        return i === 0 ? context.op('constant', [], attrs) : context.intermediate('constant', [], attrs);
      });
    }),
});

function isWorthFolding(node: Node, facts: Facts): boolean {
  const def = opNamed(node.op);
  if (node.inputs.length === 0 || def.traits.foldable !== true || def.traits.checks === true) return false;
  const inputs = node.inputs.map((input) => input.type);
  const outputs = node.outputs.map((output) => output.type);
  const small = [...inputs, ...outputs].every((type) => elementCount(type.shape) <= facts.foldElements);
  return small && def.cost(inputs, outputs, node.attrs).flops <= facts.foldFlops;
}

/** A constant node's tensor, every element spelled out. */
export function constantTensor(node: Node): RefTensor {
  const [output] = node.outputs;
  const values = node.attrs.values as readonly number[];
  const type = output?.type ?? { dtype: 'f32', shape: [] };
  const count = elementCount(type.shape);
  return {
    type,
    data: values.length === count ? Float64Array.from(values) : new Float64Array(count).fill(values[0] ?? 0),
  };
}

function roundTo(dtype: DType, values: Float64Array): number[] {
  if (dtype === 'f32') return Array.from(values, Math.fround);
  return dtype === 'bf16' ? Array.from(values, toBfloat16) : Array.from(values);
}
