/**
 * Reverse-mode differentiation, graph to graph: gradients are ordinary nodes, appended to the builder that holds the
 * forward ones, so every pass and the memory plan see one program. The derivative of each op is in its definition;
 * `pullback.ts` has the order in which they are asked, and the sum where a value is used more than once.
 */
import { InternalError } from '../diagnostics/errors';
import { Builder } from '../ir/builder';
import type { Node, Value } from '../ir/graph';
import { isFloat } from '../ir/types';
import { dependents, pullback } from './pullback';

/**
 * The gradient of the scalar `loss` with respect to each of `wrt`; undefined where the loss does not depend on it.
 * Only nodes that lie between the two are differentiated. A gradient node has the origin of its forward node, and the
 * gradient of `x` is called `d_x`. A loop between the two is replaced by one that keeps what its gradient needs.
 */
export function differentiate(b: Builder, loss: Value, wrt: readonly Value[]): (Value | undefined)[] {
  if (loss.type.shape.length > 0 || !isFloat(loss.type.dtype)) {
    throw new InternalError(`only a floating-point scalar has a gradient, '${loss.name}' is none`);
  }
  const work = new Builder('gradients');
  const reached = dependents(b.nodes, wrt);
  const seeds = new Map<Value, Value>();
  if (reached.has(loss)) {
    work.origin = b.nodes.findLast((node) => node.outputs.includes(loss))?.origin ?? work.origin;
    seeds.set(loss, work.full(1, [], loss.type.dtype));
  }
  const gradients = pullback({ forward: b, work, seeds, reached });
  const placed = replay(work.nodes, b, namesOf(gradients));
  return wrt.map((value) => {
    const gradient = gradients.get(value);
    return gradient && (placed.get(gradient) ?? gradient);
  });
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
    const name = wanted && (names.get(wanted) ?? partName(wanted));
    const outputs = b.ops(node.op, inputs, node.attrs, name, node.regions);
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
