/**
 * Packs the weights of convolutions by an op of their own in graphs that change no state: what depends on weights alone is
 * computed once there, where the kernel would pack them in every run.
 */
import type { Graph } from '../ir/graph';
import { rewriteNodes } from '../ir/rewrite';
import { sharedAttrs } from '../ops/families/convolution';
import { definePass } from './define';

export const pack_weights = definePass({
  name: 'pack_weights',
  doc: 'Packs the weights of convolutions apart from them, where they do not change.',
  run(graph) {
    if (graph.updates.length > 0) return graph;
    const fixed = fixedValues(graph);
    return rewriteNodes(graph, (node, context) => {
      const [x, w, ...bias] = node.inputs;
      if (node.op !== 'conv' || node.attrs['weight_shape'] !== undefined || !x || !w || !fixed.has(w)) return undefined;
      // Kernels of depthwise convolutions take weights as they are.
      if (w.type.shape[1] === 1 && node.attrs['groups'] === w.type.shape[0]) return undefined;
      const packed = context.intermediate('pack_conv_weights', [w], {
        ...sharedAttrs(node.attrs),
        input_shape: x.type.shape,
      });
      return context.op('conv', [x, packed, ...bias], { ...node.attrs, weight_shape: w.type.shape });
    });
  },
});

/** Values that depend on states and constants alone. */
function fixedValues(graph: Graph): ReadonlySet<unknown> {
  const fixed = new Set<unknown>(graph.states.map(({ value }) => value));
  for (const node of graph.nodes) {
    if (node.op !== 'constant' && (node.inputs.length === 0 || !node.inputs.every((input) => fixed.has(input))))
      continue;
    for (const output of node.outputs) fixed.add(output);
  }
  return fixed;
}
