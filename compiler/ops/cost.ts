/** What nodes cost, regions included. */
import type { Node } from '../ir/graph';
import type { OpCost } from './define';
import { opNamed } from './registry';

export function costOf({ op, inputs, outputs, attrs, regions }: Node): OpCost {
  return opNamed(op).cost(
    inputs.map((input) => input.type),
    outputs.map((output) => output.type),
    attrs,
    regions?.map(({ nodes }) => ({ flops: nodes.reduce((sum, node) => sum + costOf(node).flops, 0) })),
  );
}
