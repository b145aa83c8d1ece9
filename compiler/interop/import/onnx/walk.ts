/**
 * Goes through the nodes of a graph in order, with a value for every name. Nodes whose inputs are known are worked out
 * at once; all others are given to their operator's handler, which makes layers of them.
 */
import type { Location } from '../../../diagnostics/location';
import type { External } from '../../formats/onnx/tensor';
import { denseOf, knownOf } from '../../formats/onnx/tensor';
import { dtypeOf, elemName, ELEM } from '../../formats/onnx/types';
import { WireError, type FunctionProto, type GraphProto, type NodeProto } from '../../formats/onnx/wire';
import { Emitter, Refused } from './emitter';
import { FOLDS } from './fold';
import { inlined } from './functions';
import { Node, type Handlers, type Lowered, type Surroundings } from './node';
import { dependsOnBatch, type Value } from './value';

export interface Problem {
  readonly node: string;
  readonly message: string;
  readonly hint?: string;
  readonly needs: readonly string[];
}

/** What became of a node, beside its layers. */
export interface Trace {
  readonly source: string;
  /** Worked out while the model was read. */
  folded?: true;
  notes: string[];
}

/** What is the same for all graphs of a model. */
export interface Reading {
  readonly handlers: Handlers;
  readonly opsets: ReadonlyMap<string, number>;
  readonly functions: readonly FunctionProto[];
  readonly external: External;
  readonly at: Location;
  readonly problems: Problem[];
  readonly traces: Trace[];
  readonly warnings: Set<string>;
  /** Declared shapes, by the names of tensors. */
  readonly shapes: ReadonlyMap<string, readonly (number | string | undefined)[]>;
  /** Names of initializers that something reads. */
  readonly used: Set<string>;
  /** Elements that folding may still make. */
  budget: number;
  /** Calls of functions within each other. */
  depth: number;
}

/** Names of a graph and of those around it. */
export class Scope {
  readonly values = new Map<string, Value>();
  private readonly captures = new Map<Value, Value>();
  /** Values of the scope around that are taken, in order. */
  readonly captured: Value[] = [];

  constructor(
    readonly emitter: Emitter,
    readonly outer?: Scope,
    /** Whether the graph is a body of its own, whose layers see nothing of those around it. */
    private readonly closed = false,
  ) {}

  find(name: string): Value | undefined {
    const own = this.values.get(name);
    if (own !== undefined || this.outer === undefined) return own;
    const found = this.outer.find(name);
    return found === undefined || !this.closed || found.known !== undefined ? found : this.capture(found);
  }

  private capture(value: Value): Value {
    const there = this.captures.get(value);
    if (there !== undefined) return there;
    const { elem, dtype, shape } = value;
    const inside: Value = { elem, dtype, shape, from: { input: `outer${this.captured.length + 1}` } };
    this.captures.set(value, inside);
    this.captured.push(value);
    return inside;
  }
}

/** The initializers of a graph as known values. */
export function readInitializers(reading: Reading, graph: GraphProto, scope: Scope): void {
  const keep = (name: string, read: () => { elem: number; shape: readonly number[]; data: Value['known'] }): void => {
    try {
      const { elem, shape, data } = read();
      const dtype = dtypeOf(elem);
      if (dtype === undefined || data === undefined) throw new WireError(`is of ${elemName(elem)}`);
      scope.values.set(name, { elem, dtype, shape, known: data, tensor: name });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      // Of strings, say: only a problem where something reads it.
      reading.problems.push({ node: `the tensor \`${name}\``, message: error.message, needs: [] });
    }
  };
  for (const tensor of graph.initializers) keep(tensor.name, () => knownOf(tensor, reading.external));
  for (const sparse of graph.sparse) keep(sparse.values?.name ?? '', () => denseOf(sparse, reading.external));
}

/** Lowers the nodes of a graph; gives its outputs. */
export function walk(reading: Reading, graph: GraphProto, scope: Scope): readonly Value[] {
  for (const node of graph.nodes) lowerNode(reading, node, scope, reading.opsets);
  return graph.outputs.map(({ name }) => {
    const value = scope.find(name);
    if (value === undefined) throw new Refused(`has the output \`${name}\`, which nothing makes`);
    return value;
  });
}

export function titleOf(node: NodeProto): string {
  const name = node.name !== '' ? node.name : (node.outputs.find((output) => output !== '') ?? '?');
  return `${name} (${node.domain === '' ? '' : `${node.domain}.`}${node.op})`;
}

export function lowerNode(reading: Reading, proto: NodeProto, scope: Scope, opsets: ReadonlyMap<string, number>): void {
  const { emitter } = scope;
  const title = titleOf(proto);
  emitter.node = reading.traces.length;
  const trace: Trace = { source: title, notes: [] };
  reading.traces.push(trace);
  emitter.wish = wishOf(proto);
  try {
    const inputs = proto.inputs.map((name) => {
      if (name === '') return undefined;
      const value = scope.find(name);
      if (value === undefined) throw new Missing(name);
      if (value.tensor !== undefined) reading.used.add(value.tensor);
      return value;
    });
    const made = evaluate(reading, proto, inputs, scope, trace, opsets);
    made.forEach((value, i) => {
      const name = proto.outputs[i];
      if (value !== undefined && name !== undefined && name !== '') scope.values.set(name, value);
    });
  } catch (error) {
    // What failed before is told once.
    if (error instanceof Missing && reading.problems.length > 0) return;
    if (error instanceof Missing)
      reading.problems.push({ node: title, message: `reads \`${error.input}\`, which nothing makes`, needs: [] });
    else if (error instanceof Nested) reading.problems.push(...error.problems);
    else if (error instanceof Refused || error instanceof WireError) {
      const { message } = error;
      const more = error instanceof Refused && error.hint !== undefined ? { hint: error.hint } : {};
      reading.problems.push({ node: title, message, needs: error instanceof Refused ? error.needs : [], ...more });
    } else throw error;
  }
}

/** What is wrong within a graph of an attribute; its node may know another way. */
class Nested extends Refused {
  constructor(readonly problems: readonly Problem[]) {
    const [{ node, message, hint }] = problems as readonly [Problem];
    super(
      `holds ${node}, which ${message}`,
      hint,
      problems.flatMap(({ needs }) => needs),
    );
  }
}

class Missing extends Error {
  constructor(readonly input: string) {
    super(input);
  }
}

function evaluate(
  reading: Reading,
  proto: NodeProto,
  inputs: readonly (Value | undefined)[],
  scope: Scope,
  trace: Trace,
  opsets: ReadonlyMap<string, number>,
): readonly (Value | undefined)[] {
  const { emitter } = scope;
  const opset = opsets.get(proto.domain);
  const around: Surroundings = {
    external: reading.external,
    inline: (graph, given) => inline(reading, graph, given, scope, false).outputs,
    body: (graph, given) => inline(reading, graph, given, scope, true),
    declared: (name) => reading.shapes.get(name),
    note: (reason) => trace.notes.push(reason),
    warn: (problem) => reading.warnings.add(problem),
  };
  const node = new Node(emitter, proto, inputs, opset ?? 1, around);
  const own = inlined(reading, proto, inputs, scope);
  if (own !== undefined) return own;
  if (opset === undefined && proto.domain === '')
    throw new Refused('is of an operator set that the model does not name');
  const folded = foldNode(reading, node);
  if (folded !== undefined) {
    trace.folded = true;
    return folded;
  }
  const key = proto.domain === '' ? proto.op : `${proto.domain}.${proto.op}`;
  const handler = Object.hasOwn(reading.handlers, key) ? reading.handlers[key] : undefined;
  if (handler === undefined) throw new Refused('has no counterpart here');
  const before = emitter.layers.length;
  const made = handler(node);
  const values = Array.isArray(made) ? (made as readonly (Value | undefined)[]) : [made as Value];
  if (emitter.layers.length === before && values.every((value) => value?.known !== undefined)) trace.folded = true;
  return values;
}

function foldNode(reading: Reading, node: Node): readonly Value[] | undefined {
  if (node.proto.domain !== '' || !Object.hasOwn(FOLDS, node.op)) return undefined;
  const given = node.inputs.filter((input) => input !== undefined);
  if (!given.every((input) => input.known !== undefined)) return undefined;
  const folded = FOLDS[node.op]!(node);
  if (folded === undefined) return undefined;
  const values = Array.isArray(folded) ? (folded as readonly Value[]) : [folded as Value];
  for (const value of values) {
    reading.budget -= value.known?.length ?? 0;
    // What is given is mostly shorter than what is made.
    if (value.elem === ELEM.float && given.some((x) => dependsOnBatch(x.known!)) && dependsOnBatch(value.known!))
      throw new Refused('computes with the size of the batch');
  }
  if (reading.budget < 0) throw new Refused('is one too many of those whose numbers are worked out while reading');
  return values;
}

/** A graph of an attribute in the place of its node, or as a body of its own. */
function inline(reading: Reading, graph: GraphProto, given: readonly Value[], scope: Scope, closed: boolean): Lowered {
  const { emitter } = scope;
  const inner = new Scope(closed ? new Emitter(emitter) : emitter, scope, closed);
  const names = graph.inputs.map(({ name }, i) => (closed ? bodyName(name, i) : name));
  graph.inputs.forEach(({ name }, i) => {
    const value = given[i];
    if (value === undefined) return;
    const { elem, dtype, shape } = value;
    inner.values.set(
      name,
      closed && value.known === undefined ? { elem, dtype, shape, from: { input: names[i]! } } : value,
    );
  });
  readInitializers(reading, graph, inner);
  const outputs = nested(reading, emitter, () => walk(reading, graph, inner));
  // Values from further out pass through the bodies in between.
  const inputs = [...names, ...inner.captured.map((_, i) => `outer${i + 1}`)];
  const made = graph.outputs.map(({ name }, i) => ({ name, value: outputs[i]! }));
  return { body: { inputs, layers: inner.emitter.layers, outputs: made }, outputs, captured: inner.captured };
}

/** With what went wrong inside as one error, so that another way can be tried. */
function nested(reading: Reading, emitter: Emitter, lower: () => readonly Value[]): readonly Value[] {
  const { node, wish } = emitter;
  const [problems, traces] = [reading.problems.length, reading.traces.length];
  let outputs: readonly Value[] = [];
  try {
    outputs = lower();
  } catch (error) {
    if (!(error instanceof Refused) || reading.problems.length === problems) throw error;
  } finally {
    Object.assign(emitter, { node, wish });
  }
  const own = reading.problems.splice(problems);
  if (own.length === 0) return outputs;
  reading.traces.length = traces;
  throw new Nested(own);
}

function bodyName(name: string, index: number): string {
  const clean = name.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+|_+$/g, '');
  return clean === '' || /^outer\d+$/.test(clean) ? `in${index + 1}` : clean;
}

function wishOf(node: NodeProto): string {
  return node.name !== '' ? node.name : (node.outputs.find((output) => output !== '') ?? node.op);
}
