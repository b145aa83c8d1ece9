/**
 * Gradients of some values from those of others, backwards through the nodes of a graph: the heart of reverse mode,
 * for whole graphs and for the regions of loops and conditions alike.
 */
import * as say from '../diagnostics/catalogue';
import { InternalError, SpecError } from '../diagnostics/errors';
import { through } from '../diagnostics/make';
import type { Builder } from '../ir/builder';
import type { Node, Value } from '../ir/graph';
import { isFloat, sameType } from '../ir/types';
import { opNamed } from '../ops/registry';

export interface Pullback {
  /** Holds the nodes to differentiate. One that must keep more for its gradient is replaced by one that does. */
  readonly forward: Builder;
  /** Where the gradient nodes are made. */
  readonly work: Builder;
  /** The gradients that are given. */
  readonly seeds: ReadonlyMap<Value, Value>;
  /** What a change of the wanted values reaches (`dependents`): elsewhere nothing is asked for. */
  readonly reached: ReadonlySet<Value>;
  /** For these, a list of summands is filled instead of adding them up. */
  readonly summands?: ReadonlyMap<Value, Value[]>;
}

/** Every floating-point value that a change of `wrt` reaches, as gradients see it: integers and bools let nothing through. */
export function dependents(nodes: readonly Node[], wrt: readonly Value[]): ReadonlySet<Value> {
  const reached = new Set(wrt);
  for (const node of nodes) {
    if (!node.inputs.some((input) => reached.has(input)) || opNamed(node.op).traits.stopsGradient === true) continue;
    for (const output of node.outputs) if (isFloat(output.type.dtype)) reached.add(output);
  }
  return reached;
}

/** Nodes between `wrt` and `loss` that let no gradient through: where differentiation would have to give up. */
export function withoutGradient(nodes: readonly Node[], loss: Value, wrt: readonly Value[]): readonly Node[] {
  const reached = dependents(nodes, wrt);
  const leading = new Set([loss]);
  const found: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => leading.has(output) && reached.has(output))) continue;
    const inputs = node.inputs.filter((input) => reached.has(input));
    if (inputs.length === 0) continue;
    if (opNamed(node.op).grad) for (const input of inputs) leading.add(input);
    else found.push(node);
  }
  return found;
}

/** The gradient of every value that has one, in the order in which they were found. */
export function pullback({ forward, work, seeds, reached, summands }: Pullback): ReadonlyMap<Value, Value> {
  const gradients = new Map<Value, Value>();
  const contribute = (value: Value, gradient: Value): void => {
    const list = summands?.get(value);
    if (list) {
      list.push(gradient);
      return;
    }
    const before = gradients.get(value);
    gradients.set(value, before ? work.op('add', [before, gradient]) : gradient);
  };
  for (const [value, gradient] of seeds) contribute(value, gradient);
  for (let i = forward.nodes.length - 1; i >= 0; i--) {
    const node = forward.nodes[i] as Node;
    const outputGrads = node.outputs.map((output) => gradients.get(output));
    const wants = node.inputs.map((input) => reached.has(input));
    if (!outputGrads.some(Boolean) || !wants.some(Boolean)) continue;
    work.origin = node.origin;
    work.prefix = `d_${node.outputs[0]?.name ?? node.op}.part`;
    const inputGrads = gradientsOf({ forward, work, node, index: i, outputGrads, wants });
    for (const [k, input] of node.inputs.entries()) {
      const gradient = inputGrads[k];
      if (wants[k] && gradient) contribute(input, gradient);
    }
  }
  return gradients;
}

interface Question {
  readonly forward: Builder;
  readonly work: Builder;
  readonly node: Node;
  readonly index: number;
  readonly outputGrads: readonly (Value | undefined)[];
  readonly wants: readonly boolean[];
}

function gradientsOf({ forward, work, node, index, outputGrads, wants }: Question): readonly (Value | undefined)[] {
  const def = opNamed(node.op);
  if (!def.grad) {
    const { layer, at, via } = node.origin;
    throw new SpecError([through(say.noGradient(at, layer, node.op), via)]);
  }
  const gradients = def.grad({
    b: work,
    node,
    outputGrads,
    wants,
    extend: (regions, added) => {
      const outputs = added.map(({ name, type }) => forward.fresh(name, type));
      forward.nodes[index] = { ...node, regions, outputs: [...node.outputs, ...outputs] };
      return outputs;
    },
  });
  for (const [k, input] of node.inputs.entries()) {
    const gradient = gradients[k];
    if (gradient && wants[k] && !sameType(gradient.type, input.type)) {
      throw new InternalError(`the gradient of ${node.op} for input ${k} has another type than the input`);
    }
  }
  return gradients;
}
