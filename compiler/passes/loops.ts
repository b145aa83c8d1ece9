/**
 * Puts things on the right side of the border between a region and the graph around it. Constants go inside, where
 * patterns see them and a literal costs nothing. What every iteration computes alike goes outside and is computed once.
 * What crosses the border twice crosses it once; a carried value that never changes is not carried; a condition that
 * is known is no condition.
 */
import type { Capture } from '../ir/builder';
import type { Attrs, Graph, Node, Value } from '../ir/graph';
import { hoist, movable } from '../ir/hoist';
import { rewriteNodes, type RewriteContext } from '../ir/rewrite';
import { regionOf, scanParts, whileParts } from '../ops/families/regions';
import { definePass } from './define';
import { fillOf } from './local';

export const loops = definePass({
  name: 'loops',
  doc: 'Moves constants into loops and conditions, and what every iteration computes alike out of them.',
  run: (graph) => (graph.nodes.some((node) => node.regions) ? rewriteNodes(graph, rewrite) : graph),
});

function rewrite(node: Node, context: RewriteContext): readonly Value[] | undefined {
  switch (node.op) {
    case 'scan':
      return rewriteScan(node, context);
    case 'while':
      return rewriteWhile(node, context);
    case 'cond':
      return rewriteCond(node, context);
    default:
      return undefined;
  }
}

/** What happens to the inputs of a region. */
interface Border {
  /** Constants that are made inside, under the name of the input. */
  readonly inside: Node[];
  /** Inputs that are the same as another. */
  readonly same: Map<Value, Value>;
  readonly captures: Capture[];
}

/** `constant` gives the attributes of the constant that an operand is, inside. */
function borderOf(pairs: readonly Capture[], node: Node, constant: (outer: Value) => Attrs | undefined): Border {
  const border: Border = { inside: [], same: new Map(), captures: [] };
  const first = new Map<Value, Value>();
  for (const { inner, outer } of pairs) {
    const attrs = constant(outer);
    const twin = first.get(outer);
    if (attrs) {
      border.inside.push({ op: 'constant', inputs: [], attrs, outputs: [inner], origin: node.origin });
    } else if (twin) {
      border.same.set(inner, twin);
    } else {
      first.set(outer, inner);
      border.captures.push({ inner, outer });
    }
  }
  return border;
}

function substituted(nodes: readonly Node[], same: ReadonlyMap<Value, Value>): readonly Node[] {
  if (same.size === 0) return nodes;
  return nodes.map((node) =>
    node.inputs.some((input) => same.has(input))
      ? { ...node, inputs: node.inputs.map((input) => same.get(input) ?? input) }
      : node,
  );
}

function pairsOf(inner: readonly Value[], outer: readonly Value[]): readonly Capture[] {
  return inner.map((value, i) => ({ inner: value, outer: outer[i] as Value }));
}

function rewriteScan(node: Node, context: RewriteContext): readonly Value[] | undefined {
  const parts = scanParts(node);
  const { body, length, inits, carryInputs, carryResults } = parts;
  const steady = carryInputs.map((input, j) => carryResults[j] === input);
  const carried = carryInputs.flatMap((_, j) => (steady[j] ? [] : [j]));
  const steadyPairs = pairsOf(carryInputs, inits).filter((_, j) => steady[j]);
  const consts = borderOf([...pairsOf(parts.constInputs, parts.consts), ...steadyPairs], node, (outer) =>
    constantAttrs(outer, context),
  );
  const slices = borderOf(pairsOf(parts.sliceInputs, parts.sequences), node, (outer) => {
    const fill = fillOf(context.definition(outer));
    const { dtype, shape } = outer.type;
    return fill === undefined ? undefined : { dtype, shape: shape.slice(1), values: [fill] };
  });
  const same = new Map([...consts.same, ...slices.same]);
  const nodes = substituted([...consts.inside, ...slices.inside, ...body.nodes], same);
  const resultOf = (value: Value): Value => same.get(value) ?? value;
  // The stack of a slice is the sequence.
  const sequenceOf = (value: Value): Value | undefined => parts.sequences[parts.sliceInputs.indexOf(value)];
  const steps = [...new Set(parts.stepResults.map(resultOf))].filter((value) => !sequenceOf(value));
  const results = [...carried.map((j) => resultOf(carryResults[j] as Value)), ...steps];
  const changed =
    consts.captures.length !== parts.consts.length ||
    slices.captures.length !== parts.sequences.length ||
    carried.length !== inits.length ||
    steps.length !== parts.stepResults.length ||
    movable(nodes, consts.captures).size > 0;
  if (!changed) return undefined;

  const { b } = context;
  const hoisted = hoist(b, nodes, consts.captures, results);
  const inputs = [
    ...hoisted.captures.map(({ inner }) => inner),
    ...carried.map((j) => carryInputs[j] as Value),
    ...slices.captures.map(({ inner }) => inner),
    parts.index,
  ];
  const operands = [
    ...hoisted.captures.map(({ outer }) => outer),
    ...carried.map((j) => inits[j] as Value),
    ...slices.captures.map(({ outer }) => outer),
  ];
  const attrs = { ...node.attrs, consts: hoisted.captures.length, carries: carried.length, length };
  const region = regionWith(body, inputs, hoisted.nodes, results);
  const outputs = b.ops('scan', operands, attrs, node.outputs[0]?.name, [region]);
  return [
    ...inits.map((init, j) => (steady[j] ? init : (outputs[carried.indexOf(j)] as Value))),
    ...parts.stepResults.map(
      (value) => sequenceOf(resultOf(value)) ?? (outputs[carried.length + steps.indexOf(resultOf(value))] as Value),
    ),
  ];
}

function rewriteWhile(node: Node, context: RewriteContext): readonly Value[] | undefined {
  const { body, condition, consts, inits, constInputs, carryInputs } = whileParts(node);
  const sides = [condition, body].map((region) => {
    const inner = region.inputs.slice(0, consts.length);
    const border = borderOf(pairsOf(inner, consts), node, (outer) => constantAttrs(outer, context));
    return {
      region,
      border,
      nodes: substituted([...border.inside, ...region.nodes], border.same),
      results: region.results.map(({ value }) => border.same.get(value) ?? value),
    };
  });
  const changed = sides.some(
    ({ border, nodes }) => border.captures.length !== constInputs.length || movable(nodes, border.captures).size > 0,
  );
  if (!changed) return undefined;
  const { b } = context;
  const hoisted = sides.map(({ nodes, border, results }) => hoist(b, nodes, border.captures, results));
  // Both take what either needs.
  const operands = [...new Set(hoisted.flatMap(({ captures }) => captures.map(({ outer }) => outer)))];
  const regions = sides.map(({ region, results }, k) => {
    const { nodes, captures } = hoisted[k] as (typeof hoisted)[number];
    const inside = new Map(captures.map(({ inner, outer }) => [outer, inner]));
    const taken = new Set([...region.inputs, ...nodes.flatMap(({ outputs }) => outputs)].map(({ name }) => name));
    const inputs = operands.map((outer) => inside.get(outer) ?? unusedInput(outer, taken));
    return regionWith(region, [...inputs, ...region.inputs.slice(consts.length)], nodes, results);
  });
  const attrs = { ...node.attrs, consts: operands.length, carries: carryInputs.length };
  return b.ops('while', [...operands, ...inits], attrs, node.outputs[0]?.name, regions);
}

function rewriteCond(node: Node, context: RewriteContext): readonly Value[] | undefined {
  const [predicate, ...operands] = node.inputs;
  const known = fillOf(predicate && context.definition(predicate));
  if (known !== undefined) return inlined(regionOf(node, known === 0 ? 1 : 0), operands, context);
  const sides = [regionOf(node, 0), regionOf(node, 1)].map((region) => ({
    region,
    border: borderOf(pairsOf(region.inputs, operands), node, (outer) => constantAttrs(outer, context)),
  }));
  const captures = sides[0]?.border.captures ?? [];
  if (!predicate || captures.length === operands.length) return undefined;
  const regions = sides.map(({ region, border }) =>
    regionWith(
      region,
      border.captures.map(({ inner }) => inner),
      substituted([...border.inside, ...region.nodes], border.same),
      region.results.map(({ value }) => border.same.get(value) ?? value),
    ),
  );
  const { b } = context;
  return b.ops('cond', [predicate, ...captures.map(({ outer }) => outer)], node.attrs, node.outputs[0]?.name, regions);
}

function inlined(region: Graph, operands: readonly Value[], { b }: RewriteContext): readonly Value[] {
  const placed = new Map(region.inputs.map((input, i) => [input, operands[i] as Value]));
  const { origin } = b;
  for (const { op, inputs, attrs, outputs, origin: own, regions } of region.nodes) {
    b.origin = own;
    const made = b.ops(
      op,
      inputs.map((input) => placed.get(input) ?? input),
      attrs,
      outputs[0]?.name,
      regions,
    );
    outputs.forEach((output, k) => placed.set(output, made[k] ?? output));
  }
  b.origin = origin;
  return region.results.map(({ value }) => placed.get(value) ?? value);
}

function constantAttrs(outer: Value, context: RewriteContext): Attrs | undefined {
  const node = context.definition(outer);
  return node?.op === 'constant' ? node.attrs : undefined;
}

function regionWith(region: Graph, inputs: readonly Value[], nodes: readonly Node[], results: readonly Value[]): Graph {
  return { ...region, inputs, nodes, results: results.map((value, i) => ({ name: `r${i}`, value })) };
}

function unusedInput({ name, type }: Value, taken: Set<string>): Value {
  let candidate = name;
  for (let i = 1; taken.has(candidate); i++) candidate = `${name}_${i}`;
  taken.add(candidate);
  return { name: candidate, type };
}
