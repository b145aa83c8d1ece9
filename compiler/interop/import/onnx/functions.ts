/** Calls of functions that the model brings along: their nodes in the place of the call. */
import type { AttributeProto, FunctionProto, GraphProto, NodeProto } from '../../formats/onnx/wire';
import { Refused } from './emitter';
import type { Value } from './value';
import { lowerNode, Scope, type Reading } from './walk';

/** Functions in functions; none call themselves. */
const MAX_DEPTH = 32;

/** The outputs of a call; undefined where the node is of no such function. */
export function inlined(
  reading: Reading,
  call: NodeProto,
  inputs: readonly (Value | undefined)[],
  around: Scope,
): readonly (Value | undefined)[] | undefined {
  const made = reading.functions.find(
    ({ name, domain, overload }) => name === call.op && domain === call.domain && overload === call.overload,
  );
  if (made === undefined) return undefined;
  if (reading.depth >= MAX_DEPTH) throw new Refused('calls itself');
  const scope = new Scope(around.emitter);
  made.inputs.forEach((name, i) => {
    const value = inputs[i];
    if (value !== undefined) scope.values.set(name, value);
  });
  const attributes = attributesOf(made, call);
  reading.depth++;
  try {
    const absent = new Set(made.inputs.filter((_, i) => inputs[i] === undefined));
    for (const node of made.nodes) lowerNode(reading, bound(node, attributes, absent), scope, made.opsets);
  } finally {
    reading.depth--;
  }
  return made.outputs.map((name) => scope.find(name));
}

function attributesOf(made: FunctionProto, call: NodeProto): ReadonlyMap<string, AttributeProto> {
  const byName = (list: readonly AttributeProto[]): [string, AttributeProto][] => list.map((one) => [one.name, one]);
  return new Map([...byName(made.defaults), ...byName(call.attributes)]);
}

/** A node of the body with the attributes of the call in it; inputs that the call leaves out are left out. */
function bound(
  node: NodeProto,
  attributes: ReadonlyMap<string, AttributeProto>,
  absent: ReadonlySet<string>,
): NodeProto {
  const own = node.attributes.flatMap((attribute) => {
    if (attribute.ref === '')
      return attribute.g === undefined
        ? [attribute]
        : [{ ...attribute, g: boundGraph(attribute.g, attributes, absent) }];
    const given = attributes.get(attribute.ref);
    return given === undefined ? [] : [{ ...given, name: attribute.name }];
  });
  return { ...node, attributes: own, inputs: node.inputs.map((name) => (absent.has(name) ? '' : name)) };
}

function boundGraph(
  graph: GraphProto,
  attributes: ReadonlyMap<string, AttributeProto>,
  absent: ReadonlySet<string>,
): GraphProto {
  return { ...graph, nodes: graph.nodes.map((node) => bound(node, attributes, absent)) };
}
