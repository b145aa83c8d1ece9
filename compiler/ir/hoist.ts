/**
 * What does not change from one iteration of a loop to the next is computed once, before it: nodes of a body that
 * depend on captured values alone move to the graph around it. Constants stay (they cost nothing and let patterns match
 * inside), and so does what may fail at run time: the loop may have no iterations.
 */
import type { Builder, Capture } from './builder';
import type { Graph, Node, Value } from './graph';
import { opNamed } from '../ops/registry';

export interface Hoisted {
  readonly nodes: readonly Node[];
  /** The captures that the nodes and `results` still need, new ones included. */
  readonly captures: readonly Capture[];
}

/** Those of a body's nodes that can move: what they read is captured, constant, or moves itself. */
export function movable(nodes: readonly Node[], captures: readonly Capture[]): ReadonlySet<Node> {
  const outside = new Set(captures.map(({ inner }) => inner));
  const constants = new Set<Value>();
  const moving = new Set<Node>();
  for (const node of nodes) {
    if (node.op === 'constant') {
      for (const output of node.outputs) constants.add(output);
      continue;
    }
    const fixed = node.inputs.every((input) => outside.has(input) || constants.has(input));
    if (!fixed || !node.inputs.some((input) => outside.has(input)) || mayFail(node)) continue;
    moving.add(node);
    for (const output of node.outputs) outside.add(output);
  }
  return moving;
}

/** Moves what it can of a body's `nodes` to `b`; values keep their identity, a moved one becomes a captured one. */
export function hoist(
  b: Builder,
  nodes: readonly Node[],
  captures: readonly Capture[],
  results: readonly Value[],
): Hoisted {
  const outside = new Map(captures.map(({ inner, outer }) => [inner, outer]));
  const constants = new Map<Value, Node>();
  const moving = movable(nodes, captures);
  const kept: Node[] = [];
  const { origin } = b;
  for (const node of nodes) {
    if (!moving.has(node)) {
      if (node.op === 'constant') node.outputs.forEach((output) => constants.set(output, node));
      kept.push(node);
      continue;
    }
    b.origin = node.origin;
    const inputs = node.inputs.map((input) => {
      const constant = constants.get(input);
      return outside.get(input) ?? b.op('constant', [], constant?.attrs, input.name);
    });
    const moved = b.ops(node.op, inputs, node.attrs, node.outputs[0]?.name, node.regions);
    node.outputs.forEach((output, i) => outside.set(output, moved[i] ?? output));
  }
  b.origin = origin;
  const needed = new Set([...kept.flatMap((node) => node.inputs), ...results]);
  return {
    nodes: kept.filter((node) => node.op !== 'constant' || node.outputs.some((output) => needed.has(output))),
    captures: [...outside].flatMap(([inner, outer]) => (needed.has(inner) ? [{ inner, outer }] : [])),
  };
}

/** True if running the node can end in an error of the data, in a region of its own too. */
export function mayFail(node: Node): boolean {
  return opNamed(node.op).traits.checks === true || (node.regions ?? []).some(regionMayFail);
}

function regionMayFail(region: Graph): boolean {
  return region.nodes.some(mayFail);
}
