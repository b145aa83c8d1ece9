/**
 * A product of few rows with a transposed matrix copies the matrix into the order in which it is read, every time. Where
 * a loop multiplies with one and the same matrix in each step, it is turned once before the loop, and the product reads
 * it where it lies. With a handful of rows the product is made of dot products, which want the matrix transposed.
 */
import type { Builder } from '../ir/builder';
import type { Graph, Node, Value } from '../ir/graph';
import { rewriteNodes } from '../ir/rewrite';
import { elementCount } from '../ir/types';
import { scanParts, type ScanParts } from '../ops/families/regions';
import { definePass } from './define';

/** The rows for which `runtime-native/src/cpu/gemm.cpp` reads the matrix in place: kDotRows and kPackRows there. */
const MORE_THAN_ROWS = 6;
const LESS_THAN_ROWS = 48;
/** Turning takes as long as a step's copy; that has to be worth the memory. */
const LEAST_STEPS = 4;

export const turn_weights = definePass({
  name: 'turn_weights',
  doc: 'Transposes matrices that a loop multiplies with in each step once, before it.',
  run: (graph) =>
    graph.nodes.some(({ op }) => op === 'scan')
      ? rewriteNodes(graph, (node, { b }) => (node.op === 'scan' ? turned(node, b) : undefined))
      : graph,
});

function turned(node: Node, b: Builder): readonly Value[] | undefined {
  const parts = scanParts(node);
  if (parts.length < LEAST_STEPS) return undefined;
  const products = parts.body.nodes.filter((each) => turnable(each, parts));
  if (products.length === 0) return undefined;
  const taken = new Set(
    [...parts.body.inputs, ...parts.body.nodes.flatMap(({ outputs }) => outputs)].map((v) => v.name),
  );
  const outer: Value[] = [];
  const inner = new Map<Value, Value>();
  for (const weight of new Set(products.map(({ inputs }) => inputs[1] as Value))) {
    const whole = parts.consts[parts.constInputs.indexOf(weight)] as Value;
    const once = b.op('transpose', [whole], { perm: [1, 0] }, `${whole.name}.turned`);
    outer.push(once);
    let name = `${weight.name}.turned`;
    for (let i = 1; taken.has(name); i++) name = `${weight.name}.turned_${i}`;
    taken.add(name);
    inner.set(weight, { name, type: once.type });
  }
  const nodes = parts.body.nodes.map((each) => {
    if (!products.includes(each)) return each;
    const [x, weight, ...rest] = each.inputs as readonly [Value, Value, ...Value[]];
    return { ...each, inputs: [x, inner.get(weight) as Value, ...rest], attrs: { ...each.attrs, transpose_b: false } };
  });
  const body: Graph = { ...parts.body, inputs: [...inner.values(), ...parts.body.inputs], nodes };
  const attrs = { ...node.attrs, consts: parts.consts.length + outer.length };
  return b.ops('scan', [...outer, ...node.inputs], attrs, node.outputs[0]?.name, [body]);
}

function turnable({ op, inputs: [x, weight], attrs }: Node, { constInputs }: ScanParts): boolean {
  if (op !== 'matmul' || !x || !weight || attrs['transpose_b'] !== true || attrs['transpose_a'] === true) return false;
  const rows = elementCount(x.type.shape.slice(0, -1));
  const inRange = rows > MORE_THAN_ROWS && rows < LESS_THAN_ROWS;
  return inRange && weight.type.shape.length === 2 && constInputs.includes(weight);
}
