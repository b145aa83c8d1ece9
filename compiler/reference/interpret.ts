/**
 * The float64 reference interpreter: a graph, node by node, through each op's `evaluate`. It is what every pass, every
 * plan and every kernel is compared with; it is not meant to be fast. What is stored as bfloat16 is rounded to it.
 */
import { InternalError } from '../diagnostics/errors';
import { toBfloat16 } from '../ir/bfloat16';
import type { Graph, Value } from '../ir/graph';
import { elementCount, formatType, sameShape } from '../ir/types';
import type { RefTensor, RegionFunction } from '../ops/define';
import { opNamed } from '../ops/registry';

export type Feeds = Readonly<Record<string, RefTensor | Float64Array>>;

export interface Interpretation {
  readonly results: Readonly<Record<string, RefTensor>>;
  /** What each updated state holds after the step, by its name. */
  readonly updates: Readonly<Record<string, RefTensor>>;
}

export function interpret(graph: Graph, inputs: Feeds, states: Feeds = {}): Interpretation {
  const values = new Map<Value, RefTensor>();
  for (const value of graph.inputs) values.set(value, feed(value, inputs, 'input'));
  const lastUse = lastUses(graph);
  // A state that is only written (an initial draw) needs no value before.
  for (const { value } of graph.states) if (lastUse.has(value)) values.set(value, feed(value, states, 'state'));
  evaluateNodes(graph, values, lastUse);
  return {
    results: Object.fromEntries(graph.results.map(({ name, value }) => [name, held(values, value)])),
    updates: Object.fromEntries(graph.updates.map(({ state, value }) => [state.name, held(values, value)])),
  };
}

/** `values` holds the inputs and states before, and the results and updates after. */
function evaluateNodes(graph: Graph, values: Map<Value, RefTensor>, lastUse: ReadonlyMap<Value, number>): void {
  for (const [i, node] of graph.nodes.entries()) {
    const operands = node.inputs.map((input) => held(values, input));
    const types = node.outputs.map((output) => output.type);
    const results = opNamed(node.op).evaluate(operands, node.attrs, types, node.regions?.map(regionFunction));
    for (const [k, output] of node.outputs.entries()) {
      const data = results[k];
      if (data?.length !== elementCount(output.type.shape)) {
        throw new InternalError(`${node.op} gave ${data?.length} elements for ${formatType(output.type)}`);
      }
      values.set(output, { type: output.type, data: output.type.dtype === 'bf16' ? data.map(toBfloat16) : data });
    }
    for (const value of [...node.inputs, ...node.outputs]) {
      const last = lastUse.get(value);
      if (last === undefined || last === i) values.delete(value);
    }
  }
}

/** A region as the ops that run it see it. */
export function regionFunction(region: Graph): RegionFunction {
  const lastUse = lastUses(region);
  return (inputs) => {
    const values = new Map<Value, RefTensor>();
    region.inputs.forEach((value, i) => {
      const given = inputs[i];
      if (given) values.set(value, given);
    });
    evaluateNodes(region, values, lastUse);
    return region.results.map(({ value }) => held(values, value));
  };
}

function feed(value: Value, feeds: Feeds, kind: string): RefTensor {
  const given = feeds[value.name];
  if (!given) throw new InternalError(`the ${kind} '${value.name}' was not given`);
  const data = given instanceof Float64Array ? given : given.data;
  const shapeFits = given instanceof Float64Array || sameShape(given.type.shape, value.type.shape);
  if (!shapeFits || data.length !== elementCount(value.type.shape)) {
    throw new InternalError(`the ${kind} '${value.name}' is ${formatType(value.type)}, found ${data.length} elements`);
  }
  return { type: value.type, data };
}

function held(values: ReadonlyMap<Value, RefTensor>, value: Value): RefTensor {
  const tensor = values.get(value);
  if (!tensor) throw new InternalError(`'${value.name}' is used before it is defined`);
  return tensor;
}

/** The node after which each value is needed no more, so that deep models fit in memory; results are kept. */
function lastUses(graph: Graph): ReadonlyMap<Value, number> {
  const last = new Map<Value, number>();
  for (const [i, node] of graph.nodes.entries()) for (const input of node.inputs) last.set(input, i);
  for (const { value } of [...graph.results, ...graph.updates]) last.set(value, Infinity);
  return last;
}
