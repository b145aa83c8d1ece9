/**
 * Removes dead code: what contributes to no result and no update. A check whose result nobody uses goes too. Loops and
 * conditions lose what nobody reads: stacks, carried values, and with them parts of their bodies and operands.
 */
import type { Graph, Node, Result, Value } from '../ir/graph';
import { nodesFor } from '../ir/rewrite';
import { countsOf, regionOf, scanParts, whileParts } from '../ops/families/regions';
import { definePass } from './define';

export const dce = definePass({
  name: 'dce',
  doc: 'Removes what contributes to no result and no update.',
  run: (graph) => removeDeadCode(graph),
});

function removeDeadCode(graph: Graph): Graph {
  const live = new Set<Value>();
  for (const { value } of [...graph.results, ...graph.updates]) live.add(value);
  const kept: Node[] = [];
  let changed = false;
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i] as Node;
    if (!node.outputs.some((output) => live.has(output))) {
      changed = true;
      continue;
    }
    const pruned = node.regions ? prune(node, live) : node;
    changed ||= pruned !== node;
    for (const input of pruned.inputs) live.add(input);
    kept.push(pruned);
  }
  return changed ? { ...graph, nodes: kept.reverse() } : graph;
}

function prune(node: Node, live: ReadonlySet<Value>): Node {
  switch (node.op) {
    case 'scan':
      return pruneScan(node, live);
    case 'while':
      return pruneWhile(node, live);
    case 'cond':
      return pruneCond(node, live);
    default:
      return node;
  }
}

/** The places of carried values that are needed: those read afterwards, and those that needed ones are computed from. */
function neededCarries(
  node: Node,
  first: readonly Value[],
  carryInputs: readonly Value[],
  carryResults: readonly Value[],
  live: ReadonlySet<Value>,
  usedBy: (roots: readonly Value[]) => ReadonlySet<Value>,
): readonly boolean[] {
  const needed = carryInputs.map((_, j) => live.has(node.outputs[j] as Value));
  for (;;) {
    const used = usedBy([...first, ...carryResults.filter((_, j) => needed[j])]);
    const more = carryInputs.flatMap((input, j) => (!needed[j] && used.has(input) ? [j] : []));
    if (more.length === 0) return needed;
    for (const j of more) needed[j] = true;
  }
}

function readBy(region: Graph, roots: readonly Value[]): ReadonlySet<Value> {
  return new Set([...roots, ...nodesFor(region.nodes, roots).flatMap(({ inputs }) => inputs)]);
}

function pruneScan(node: Node, live: ReadonlySet<Value>): Node {
  const { body, constInputs, carryInputs, sliceInputs, carryResults, stepResults, stacks } = scanParts(node);
  const steps = stacks.map((stack) => live.has(stack));
  const kept = stepResults.filter((_, k) => steps[k]);
  const usedBy = (roots: readonly Value[]): ReadonlySet<Value> => readBy(body, roots);
  const carries = neededCarries(node, kept, carryInputs, carryResults, live, usedBy);
  const used = usedBy([...kept, ...carryResults.filter((_, j) => carries[j])]);
  const inputs = [
    ...constInputs.map((input) => used.has(input)),
    ...carries,
    ...sliceInputs.map((input) => used.has(input)),
  ];
  const results = [...carries, ...steps];
  const region = pruned(body, [...inputs, true], results);
  return rebuilt(node, inputs, results, [region], constInputs.length);
}

function pruneWhile(node: Node, live: ReadonlySet<Value>): Node {
  const { body, condition, constInputs, carryInputs, carryResults } = whileParts(node);
  const holds = condition.results.map(({ value }) => value);
  const asked = readBy(condition, holds);
  const { consts } = countsOf(node.attrs);
  // What the condition asks for, as the body's inputs: both take the same.
  const twins = body.inputs.filter((_, i) => asked.has(condition.inputs[i] as Value));
  const usedBy = (roots: readonly Value[]): ReadonlySet<Value> => new Set([...twins, ...readBy(body, roots)]);
  const carries = neededCarries(node, [], carryInputs, carryResults, live, usedBy);
  const used = usedBy(carryResults.filter((_, j) => carries[j]));
  const inputs = [...constInputs.map((input) => used.has(input)), ...carries];
  const regions = [pruned(condition, [...inputs, true], [true]), pruned(body, [...inputs, true], carries)];
  return rebuilt(node, inputs, [...carries, true], regions, consts);
}

function pruneCond(node: Node, live: ReadonlySet<Value>): Node {
  const results = node.outputs.map((output) => live.has(output));
  const branches = [regionOf(node, 0), regionOf(node, 1)];
  const uses = branches.map((branch) =>
    readBy(
      branch,
      branch.results.flatMap(({ value }, k) => (results[k] ? [value] : [])),
    ),
  );
  const inputs = node.inputs
    .slice(1)
    .map((_, i) => branches.some((branch, k) => uses[k]?.has(branch.inputs[i] as Value) === true));
  const regions = branches.map((branch) => pruned(branch, inputs, results));
  return rebuilt(node, [true, ...inputs], results, regions);
}

/** The region with the inputs and results that are kept, and without what is dead then. */
function pruned(region: Graph, inputs: readonly boolean[], results: readonly boolean[]): Graph {
  const keepsAll = [...inputs, ...results].every(Boolean);
  return removeDeadCode(
    keepsAll
      ? region
      : {
          ...region,
          inputs: region.inputs.filter((_, i) => inputs[i]),
          results: region.results.filter((_: Result, k) => results[k]),
        },
  );
}

/** `consts` is how many of the inputs are captured by a loop; the others are carried or sequences. */
function rebuilt(
  node: Node,
  inputs: readonly boolean[],
  results: readonly boolean[],
  regions: readonly Graph[],
  consts?: number,
): Node {
  if (regions.every((region, i) => region === node.regions?.[i])) return node;
  const kept = (flags: readonly boolean[]): number => flags.filter(Boolean).length;
  const attrs =
    consts === undefined
      ? node.attrs
      : {
          ...node.attrs,
          consts: kept(inputs.slice(0, consts)),
          carries: kept(results.slice(0, countsOf(node.attrs).carries)),
        };
  return {
    ...node,
    attrs,
    inputs: node.inputs.filter((_, i) => inputs[i]),
    outputs: node.outputs.filter((_, k) => results[k]),
    regions,
  };
}
