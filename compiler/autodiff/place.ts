/** Copies of nodes in the body of a loop or a branch, for gradients that are made in one graph and needed in another. */
import type { Builder } from '../ir/builder';
import type { Node, Value } from '../ir/graph';

/** Appends copies of `nodes` to `b`; `placed` says what stands for a value there, and learns of the new ones. */
export function place(nodes: readonly Node[], b: Builder, placed: Map<Value, Value>): void {
  const { origin } = b;
  for (const node of nodes) {
    b.origin = node.origin;
    const inputs = node.inputs.map((input) => placed.get(input) ?? input);
    const outputs = b.ops(node.op, inputs, node.attrs, node.outputs[0]?.name, node.regions);
    node.outputs.forEach((output, k) => placed.set(output, outputs[k] ?? output));
  }
  b.origin = origin;
}
