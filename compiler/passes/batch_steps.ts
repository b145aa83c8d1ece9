/**
 * A product with a weight in each step of a loop, of which the step only needs the result (the input of a recurrent
 * layer times its weight) or which only the stack needs (the gradient of that input), is done for all steps at once,
 * before or after the loop: one tall product instead of many flat ones, which read the weight once.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { rewriteNodes, type RewriteContext } from '../ir/rewrite';
import { bytesOf, elementCount } from '../ir/types';
import { scanParts, type ScanParts } from '../ops/families/regions';
import { definePass } from './define';

/** Stacks for the sake of a product may take so much. */
const MOST_BYTES = 2 ** 28;

/** Products of more rows are as fast one by one, and need no memory for all steps together. */
const MOST_ROWS = 128;

export const batch_steps = definePass({
  name: 'batch_steps',
  doc: 'Takes matrix products that no step waits for out of loops, as one product for all steps.',
  run: (graph) =>
    graph.nodes.some(({ op }) => op === 'scan')
      ? rewriteNodes(graph, (node, context) => (node.op === 'scan' ? batched(node, context) : undefined))
      : graph,
});

function batched(node: Node, context: RewriteContext): readonly Value[] | undefined {
  const parts = scanParts(node);
  // With checkpoints, memory is what counts.
  if (node.attrs['checkpoint'] === true || parts.length < 2) return undefined;
  const consts = new Map(parts.constInputs.map((input, i) => [input, parts.consts[i] as Value]));
  const fits = (value: Value | undefined): boolean => !value || bytesOf(value.type) * parts.length <= MOST_BYTES;
  const candidates = parts.body.nodes.filter((each) => isFlatProduct(each, consts));
  const before = candidates.filter((each) => isSlice(each.inputs[0], parts) && fits(each.outputs[0]));
  const after = candidates.filter(
    (each) => !before.includes(each) && isOnlyStacked(each, parts) && fits(each.inputs[0]),
  );
  if (before.length + after.length === 0) return undefined;

  const { b } = context;
  const product = ({ inputs: [, ...weights], attrs, outputs }: Node, rows: Value): Value => {
    const fixed = weights.map((weight) => consts.get(weight) as Value);
    return b.op('matmul', [rows, ...fixed], attrs, `${outputs[0]?.name ?? 'product'}.steps`);
  };
  const sequenceOf = (slice: Value): Value => parts.sequences[parts.sliceInputs.indexOf(slice)] as Value;
  const made = before.map((each) => product(each, sequenceOf(each.inputs[0] as Value)));
  // What a step gives: the left side in place of a product that is made afterwards.
  const deferred = new Map(after.map((each) => [each.outputs[0] as Value, each]));
  const steps = [...new Set(parts.stepResults.map((value) => deferred.get(value)?.inputs[0] ?? value))];
  const moved = new Set([...before, ...after]);
  const body: Graph = {
    ...parts.body,
    inputs: [...parts.body.inputs.slice(0, -1), ...before.map((each) => each.outputs[0] as Value), parts.index],
    nodes: parts.body.nodes.filter((each) => !moved.has(each)),
    results: [...parts.carryResults, ...steps].map((value, i) => ({ name: `r${i}`, value })),
  };
  const outputs = b.ops('scan', [...node.inputs, ...made], node.attrs, node.outputs[0]?.name, [body]);
  const stacks = outputs.slice(parts.inits.length);
  const stackOf = (value: Value): Value => {
    const later = deferred.get(value);
    return later ? product(later, stackOf(later.inputs[0] as Value)) : (stacks[steps.indexOf(value)] as Value);
  };
  return [...outputs.slice(0, parts.inits.length), ...parts.stepResults.map(stackOf)];
}

/** A product of few rows with a matrix that is the same in every step. */
function isFlatProduct({ op, inputs, attrs }: Node, consts: ReadonlyMap<Value, Value>): boolean {
  const [rows, ...weights] = inputs;
  if (op !== 'matmul' || !rows || attrs['transpose_a'] === true || weights[0]?.type.shape.length !== 2) return false;
  return weights.every((weight) => consts.has(weight)) && elementCount(rows.type.shape.slice(0, -1)) <= MOST_ROWS;
}

function isSlice(value: Value | undefined, { sliceInputs }: ScanParts): boolean {
  return value !== undefined && sliceInputs.includes(value);
}

function isOnlyStacked({ outputs: [y] }: Node, { body, carryResults, stepResults }: ScanParts): boolean {
  if (!y || !stepResults.includes(y) || carryResults.includes(y)) return false;
  return !body.nodes.some(({ inputs }) => inputs.includes(y));
}
