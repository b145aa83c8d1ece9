/** Common sub-expressions: nodes that compute the same from the same become one. Ops are pure, random ones and checks too. */
import type { AttrValue, Graph, Node, Value } from '../ir/graph';
import { printAttr } from '../ir/print';
import { rewriteNodes } from '../ir/rewrite';
import { opNamed } from '../ops/registry';
import { definePass } from './define';

export const cse = definePass({
  name: 'cse',
  doc: 'Computes what is computed several times once.',
  run: (graph) => {
    const ids = new Map<Value, number>();
    const idOf = (value: Value): number => {
      let id = ids.get(value);
      if (id === undefined) ids.set(value, (id = ids.size));
      return id;
    };
    const seen = new Map<string, Node>();
    return rewriteNodes(graph, (node) => {
      const key = keyOf(node, idOf);
      const first = seen.get(key);
      if (first) return first.outputs;
      seen.set(key, node);
      return undefined;
    });
  },
});

/** Equal for nodes that compute the same: op, operands (in any order where it does not matter), attributes. */
export function keyOf(node: Node, idOf: (value: Value) => number): string {
  const operands = node.inputs.map(idOf);
  if (operands.length > 1 && opNamed(node.op).traits.commutative === true) operands.sort((a, b) => a - b);
  let key = `${node.op}(${operands.join()})`;
  const names = Object.keys(node.attrs);
  if (names.length > 1) names.sort();
  for (const name of names) key += `${name}=${printAttr(node.attrs[name] as AttrValue)};`;
  for (const region of node.regions ?? []) key += `{${keyOfRegion(region)}}`;
  return key;
}

const regionKeys = new WeakMap<Graph, string>();

/** Equal for regions that compute the same from inputs of the same types, whatever their values are called. */
function keyOfRegion(region: Graph): string {
  const known = regionKeys.get(region);
  if (known !== undefined) return known;
  const ids = new Map<Value, number>();
  const define = (value: Value): void => void ids.set(value, ids.size);
  const idOf = (value: Value): number => ids.get(value) ?? -1;
  region.inputs.forEach(define);
  const lines = region.nodes.map((node) => {
    const key = keyOf(node, idOf);
    node.outputs.forEach(define);
    return key;
  });
  const key = `${lines.join('\n')}\n${region.results.map(({ value }) => idOf(value)).join()}`;
  regionKeys.set(region, key);
  return key;
}
