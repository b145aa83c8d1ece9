/** The last step of the graph: what nobody reads is left out, and every value gets its name. */
import { InternalError } from '../../../diagnostics/errors';
import { ELEM_OF, type OnnxAttribute, type OnnxGraph, type OnnxNode, type OnnxPort } from '../../formats/onnx/encode';
import type { Emitter, MadeGraph, MadeNode, MadePort, Ref } from './emitter';
import { isFixed, symbolOf } from './extents';

export interface Ends {
  /** What the model gives, by the name that it gives it by. */
  readonly results: readonly { readonly ref: Ref; readonly name: string }[];
  /** Values that bear the name of a layer. */
  readonly layers: ReadonlyMap<Ref, string>;
}

export function finish(e: Emitter, { results, layers }: Ends): Pick<OnnxGraph, 'nodes' | 'initializers'> {
  const all: MadeNode[] = [...e.prologue, ...e.main];
  const computed = new Set(all.flatMap(({ outputs }) => outputs));
  // A value has one name: where it has one already, or two results are one value, the result is a copy.
  for (const { ref, name } of results) {
    if (computed.has(ref) && ref.name === undefined) ref.name = name;
    else all.push({ op: 'Identity', inputs: [ref], outputs: [{ name, hint: name }], attributes: {} });
  }
  const read = new Set<Ref>(results.map(({ ref }) => ref));
  for (const { outputs } of all) for (const ref of outputs) if (ref.name !== undefined) read.add(ref);
  const nodes = withoutUnread(all, read);
  for (const [ref, layer] of layers) if (computed.has(ref) && read.has(ref)) ref.name ??= e.claim(layer);
  nameAll(nodes, read, e);
  const names = new Set([...read].map(({ name }) => name));
  return {
    nodes: nodes.map(finished),
    initializers: e.initializers.filter(({ name }) => names.has(name)),
  };
}

/** From the last node to the first; `read` becomes all that is. */
function withoutUnread(nodes: readonly MadeNode[], read: Set<Ref>): MadeNode[] {
  const kept: MadeNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => read.has(output))) continue;
    const attributes = Object.fromEntries(
      Object.entries(node.attributes).map(([name, value]) => [name, isBody(value) ? pruned(value, read) : value]),
    );
    for (const input of node.inputs) if (input) read.add(input);
    kept.push({ ...node, attributes });
  }
  return kept.reverse();
}

function pruned({ body }: MadeGraph, read: Set<Ref>): MadeGraph {
  for (const { ref } of body.outputs) read.add(ref);
  return { body: { ...body, nodes: withoutUnread(body.nodes, read) } };
}

function isBody(value: OnnxAttribute | MadeGraph): value is MadeGraph {
  return typeof value === 'object' && 'body' in value;
}

/** Operators without optional outputs, loops and branches among them, and the model's own. */
function givesAll({ op, attributes, domain }: MadeNode): boolean {
  return op === 'TopK' || domain !== undefined || Object.values(attributes).some(isBody);
}

function nameAll(nodes: readonly MadeNode[], read: ReadonlySet<Ref>, e: Emitter): void {
  const name = (ref: Ref): void => void (ref.name ??= e.claim(ref.hint));
  for (const node of nodes) {
    for (const value of Object.values(node.attributes)) {
      if (!isBody(value)) continue;
      for (const { ref } of value.body.inputs) name(ref);
      nameAll(value.body.nodes, read, e);
    }
    node.outputs.forEach((ref, i) => {
      if (read.has(ref) || i === 0 || givesAll(node)) name(ref);
    });
  }
}

function finished(node: MadeNode): OnnxNode {
  const outputs = node.outputs.map((ref) => ref.name ?? '');
  while (outputs.at(-1) === '') outputs.pop();
  return {
    name: nameOf(node.outputs[0]!),
    op: node.op,
    ...(node.domain !== undefined && { domain: node.domain }),
    inputs: node.inputs.map((ref) => (ref ? nameOf(ref) : '')),
    outputs,
    attributes: Object.fromEntries(
      Object.entries(node.attributes).map(([name, value]) => [name, isBody(value) ? { graph: bodyOf(value) } : value]),
    ),
  };
}

function bodyOf({ body }: MadeGraph): OnnxGraph {
  return {
    name: body.name,
    nodes: body.nodes.map(finished),
    initializers: [],
    inputs: body.inputs.map(portOf),
    outputs: body.outputs.map(portOf),
  };
}

function portOf({ ref, dtype, shape }: MadePort): OnnxPort {
  return {
    name: nameOf(ref),
    elem: ELEM_OF[dtype],
    shape: shape.map((each) => (isFixed(each) ? each : symbolOf(each))),
  };
}

function nameOf(ref: Ref): string {
  if (ref.name === undefined) throw new InternalError(`${ref.hint} has no name`);
  return ref.name;
}
