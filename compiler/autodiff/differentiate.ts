/**
 * Reverse-mode differentiation, graph to graph: gradients are ordinary nodes, appended to the builder that holds the
 * forward ones, so every pass and the memory plan see one program. The derivative of each op is in its definition;
 * here is only the order in which they are asked, and the sum where a value is used more than once.
 */
import { InternalError } from '../diagnostics/errors';
import { formatLocation } from '../diagnostics/location';
import { Builder } from '../ir/builder';
import type { Node, Value } from '../ir/graph';
import { isFloat, sameType } from '../ir/types';
import { opNamed } from '../ops/registry';

/**
 * The gradient of the scalar `loss` with respect to each of `wrt`; undefined where the loss does not depend on it.
 * Only nodes that lie between the two are differentiated. A gradient node has the origin of its forward node, and the
 * gradient of `x` is called `d_x`.
 */
export function differentiate(b: Builder, loss: Value, wrt: readonly Value[]): (Value | undefined)[] {
  if (loss.type.shape.length > 0 || !isFloat(loss.type.dtype)) {
    throw new InternalError(`only a floating-point scalar has a gradient, '${loss.name}' is none`);
  }
  const work = new Builder('gradients');
  const gradients = backward(work, b.nodes, loss, dependents(b.nodes, wrt));
  const placed = replay(work.nodes, b, namesOf(gradients));
  return wrt.map((value) => {
    const gradient = gradients.get(value);
    return gradient && (placed.get(gradient) ?? gradient);
  });
}

/** Every floating-point value that a change of `wrt` reaches: integers and bools let nothing through. */
function dependents(nodes: readonly Node[], wrt: readonly Value[]): ReadonlySet<Value> {
  const reached = new Set(wrt);
  for (const node of nodes) {
    if (!node.inputs.some((input) => reached.has(input))) continue;
    for (const output of node.outputs) if (isFloat(output.type.dtype)) reached.add(output);
  }
  return reached;
}

/** Walks the nodes from the loss back, making gradient nodes in `work`. */
function backward(
  work: Builder,
  nodes: readonly Node[],
  loss: Value,
  reached: ReadonlySet<Value>,
): ReadonlyMap<Value, Value> {
  const gradients = new Map<Value, Value>();
  if (!reached.has(loss)) return gradients;
  const start = nodes.findLastIndex((node) => node.outputs.includes(loss));
  work.origin = nodes[start]?.origin ?? work.origin;
  gradients.set(loss, work.full(1, [], loss.type.dtype));
  for (let i = start; i >= 0; i--) {
    const node = nodes[i];
    if (!node) continue;
    const outputGrads = node.outputs.map((output) => gradients.get(output));
    const wants = node.inputs.map((input) => reached.has(input));
    if (!outputGrads.some(Boolean) || !wants.some(Boolean)) continue;
    work.origin = node.origin;
    work.prefix = `d_${node.outputs[0]?.name ?? node.op}.part`;
    const inputGrads = gradientsOf(work, node, outputGrads, wants);
    for (const [k, input] of node.inputs.entries()) {
      const gradient = inputGrads[k];
      if (!wants[k] || !gradient) continue;
      const before = gradients.get(input);
      gradients.set(input, before ? work.op('add', [before, gradient]) : gradient);
    }
  }
  return gradients;
}

function gradientsOf(
  work: Builder,
  node: Node,
  outputGrads: readonly (Value | undefined)[],
  wants: readonly boolean[],
): readonly (Value | undefined)[] {
  const def = opNamed(node.op);
  if (!def.grad) {
    const { layer, at } = node.origin;
    throw new InternalError(
      `${node.op} has no gradient, but the loss depends on a parameter through it ` +
        `(layer '${layer}', ${formatLocation(at)})`,
    );
  }
  const gradients = def.grad({ b: work, node, outputGrads, wants });
  for (const [k, input] of node.inputs.entries()) {
    const gradient = gradients[k];
    if (gradient && wants[k] && !sameType(gradient.type, input.type)) {
      throw new InternalError(`the gradient of ${node.op} for input ${k} has another type than the input`);
    }
  }
  return gradients;
}

/** The name that each finished gradient should have. A gradient may serve several values: the first names it. */
function namesOf(gradients: ReadonlyMap<Value, Value>): ReadonlyMap<Value, string> {
  const names = new Map<Value, string>();
  for (const [value, gradient] of gradients) if (!names.has(gradient)) names.set(gradient, `d_${value.name}`);
  return names;
}

/** Appends the nodes to `b`, under the names that are known only now that every sum is complete. */
function replay(nodes: readonly Node[], b: Builder, names: ReadonlyMap<Value, string>): ReadonlyMap<Value, Value> {
  const { origin } = b;
  const placed = new Map<Value, Value>();
  for (const node of nodes) {
    b.origin = node.origin;
    const inputs = node.inputs.map((input) => placed.get(input) ?? input);
    const wanted = node.outputs[0];
    const outputs = b.ops(node.op, inputs, node.attrs, wanted && (names.get(wanted) ?? partName(wanted)));
    node.outputs.forEach((output, k) => {
      const value = outputs[k];
      if (value) placed.set(output, value);
    });
  }
  b.origin = origin;
  return placed;
}

/** Without the counter that the working builder added: `b` adds its own. */
function partName(value: Value): string {
  return value.name.replace(/\.part_\d+$/, '.part');
}
