/** A prediction graph, with what its states hold, as a graph of ONNX. */
import { exportUnsupported } from '../../../diagnostics/catalogue';
import type { Diagnostic } from '../../../diagnostics/diagnostic';
import { SpecError } from '../../../diagnostics/errors';
import type { Graph, Node, Value } from '../../../ir/graph';
import { bytesIn } from '../../../data/typed_array';
import { ELEM_OF, type OnnxFunction, type OnnxGraph, type OnnxTensor } from '../../formats/onnx/encode';
import type { KnownTensor } from '../prediction';
import { Emitter, Untranslatable, type Ref } from './emitter';
import { BatchError, Extents, isFixed, symbolOf, type Extent } from './extents';
import { functionsFor } from './functions';
import { finish } from './finish';
import { fused } from './fusions';
import { TRANSLATIONS } from './ops';

export interface GraphOptions {
  readonly name: string;
  readonly doc?: string;
  readonly tensors: ReadonlyMap<string, KnownTensor>;
  /** The lowest and the highest version of the operators that may be used. */
  readonly versions: { readonly least: number; readonly most: number };
  /** What random layers draw from where the caller gives nothing else: seed and step. */
  readonly rng: readonly [seed: bigint, step: bigint];
}

export interface MadeModel {
  readonly graph: OnnxGraph;
  readonly opset: number;
  readonly functions: readonly OnnxFunction[];
}

/** The input of random layers. */
const RNG = 'rng';

/** Of one graph the batch is fixed, of two it is a symbol. Throws a BatchError where no symbol can say it. */
export function onnxGraph(graphs: readonly [Graph, ...Graph[]], options: GraphOptions): MadeModel {
  const [graph] = graphs;
  const extents = new Extents(graphs);
  const problems = new Map<string, Diagnostic>();
  const emitNodes = ({ nodes }: Graph, to: Emitter): void => {
    for (const node of nodes) emitNode(node, to, problems);
  };
  const { tensors, twins } = heldBy(graph, options.tensors, extents);
  const { uses, definitions } = readersIn(graph);
  const e = new Emitter(extents, tensors, twins, uses, definitions, emitNodes, options.versions);
  const results = graph.results.map(({ name, value }) => ({ value, ref: { name, hint: name } }));
  const inputs = graph.inputs.map((value): Ref => ({ name: e.claim(value.name), hint: value.name }));
  for (const { ref } of results) ref.name = e.claim(ref.name);
  graph.inputs.forEach((value, i) => {
    e.bind(value, inputs[i]!);
  });
  findBatch(e, graph, extents);
  emitNodes(graph, e);
  if (problems.size > 0) throw new SpecError([...problems.values()]);
  const made = finish(e, {
    results: results.map(({ value, ref }) => ({ ref: e.ref(value), name: ref.name })),
    layers: lastOf(graph, e),
  });
  const shapeOf = (value: Value): (number | string)[] => extents.shape(value).map(said);
  const port = (name: string, value: Value) => ({ name, elem: ELEM_OF[value.type.dtype], shape: shapeOf(value) });
  return {
    graph: {
      name: options.name,
      ...(options.doc !== undefined && { doc: options.doc }),
      nodes: made.nodes,
      initializers: [...made.initializers, ...drawn(graph, options.rng)],
      inputs: graph.inputs.map((value, i) => port(inputs[i]!.name!, value)),
      outputs: results.map(({ value, ref }) => port(ref.name, value)),
    },
    opset: e.opset,
    functions: functionsFor(e.functions),
  };
}

function said(extent: Extent): number | string {
  return isFixed(extent) ? extent : symbolOf(extent);
}

function emitNode(node: Node, e: Emitter, problems: Map<string, Diagnostic>): void {
  const { origin } = node;
  e.layer = origin.layer;
  const translate = TRANSLATIONS[node.op];
  let made: ReturnType<NonNullable<typeof translate>> = [];
  try {
    if (!translate) throw new Untranslatable(`needs ${node.op}, which has no counterpart in ONNX`);
    made = fused(node, e) ?? translate(node, e);
  } catch (error) {
    if (error instanceof BatchError && node.op === 'constant') {
      // Whoever reads it may be a mean, which needs no number.
      e.spoil(node.outputs[0]!, error);
      return;
    }
    if (error instanceof BatchError && !error.node) throw new BatchError(node, error.message);
    if (!(error instanceof Untranslatable)) throw error;
    const problem = `layer \`${origin.layer}\` ${error.message}`;
    if (!problems.has(problem)) problems.set(problem, exportUnsupported(origin.at, problem, error.hint));
  }
  if (made === undefined) return;
  const refs: readonly (Ref | undefined)[] = Array.isArray(made) ? (made as readonly Ref[]) : [made as Ref];
  node.outputs.forEach((output, i) => {
    e.bind(output, refs[i] ?? { hint: output.name });
  });
}

/** The first input with an extent that follows the batch. */
function findBatch(e: Emitter, graph: Graph, extents: Extents): void {
  for (const value of graph.inputs) {
    for (const [axis, extent] of extents.shape(value).entries()) {
      if (isFixed(extent)) continue;
      e.batchFrom(e.ref(value), axis, extent);
      return;
    }
  }
  const follows = graph.nodes.find((node) => node.outputs.some((output) => !extents.shape(output).every(isFixed)));
  if (follows) throw new BatchError(follows, 'has the batch without an input that tells it');
}

/** What the states hold; those that are made for each batch size have a name for each. */
function heldBy({ states }: Graph, known: ReadonlyMap<string, KnownTensor>, extents: Extents) {
  const tensors = new Map(states.map(({ value }) => [value, known.get(value.name)!]));
  const others = states.map(({ value }) => [value, extents.otherValue(value)] as const);
  const apart = others.filter(([value, other]) => value.name !== other.name);
  return { tensors, twins: new Map(apart.map(([value, other]) => [value, known.get(other.name)!])) };
}

/** How often each value is read and what computes it, in bodies too. */
function readersIn(graph: Graph) {
  const uses = new Map<Value, number>();
  const definitions = new Map<Value, Node>();
  const use = (value: Value): void => void uses.set(value, (uses.get(value) ?? 0) + 1);
  const count = (block: Graph): void => {
    for (const node of block.nodes) {
      node.inputs.forEach(use);
      for (const output of node.outputs) definitions.set(output, node);
      node.regions?.forEach(count);
    }
    for (const { value } of block.results) use(value);
  };
  count(graph);
  return { uses, definitions };
}

/** What each layer computes last bears its name. */
function lastOf(graph: Graph, e: Emitter): ReadonlyMap<Ref, string> {
  const last = new Map<string, Value>();
  for (const { origin, outputs, op } of graph.nodes) {
    if (op !== 'constant' && !e.known(outputs[0]!)) last.set(origin.layer, outputs[0]!);
  }
  return new Map([...last].map(([layer, value]) => [e.ref(value), layer]));
}

/** Seed and step have a value, which the caller may replace. */
function drawn({ inputs }: Graph, rng: GraphOptions['rng']): OnnxTensor[] {
  if (!inputs.some(({ name }) => name === RNG)) return [];
  return [{ name: RNG, elem: ELEM_OF.i64, dims: [2], data: bytesIn(BigInt64Array.from(rng)) }];
}
