/** The gradient of a choice: the same choice between the gradients of the branches. */
import { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import { builderFor, nodesFor } from '../ir/rewrite';
import type { GradContext } from '../ops/define';
import { regionOf } from '../ops/families/regions';
import { place } from './place';
import { dependents, pullback } from './pullback';

/** Each branch computes its forward pass again: nothing is kept of a branch that may not even have run. */
export function condGradient({ b, node, outputGrads, wants }: GradContext): readonly (Value | undefined)[] {
  const [predicate, ...operands] = node.inputs;
  if (!predicate) return [];
  const wanted = operands.flatMap((_, i) => (wants[i + 1] ? [i] : []));
  const branch = (index: number) => (sub: Builder) => {
    const region = regionOf(node, index);
    const inputs = wanted.map((i) => region.inputs[i] as Value);
    const forward = builderFor(region);
    const work = new Builder(region.name);
    work.prefix = b.prefix;
    const reached = dependents(region.nodes, inputs);
    const seeds = seedsOf(
      region.results.map(({ value }) => value),
      outputGrads,
      reached,
      work,
    );
    const gradients = pullback({ forward, work, seeds, reached });
    const results = inputs.map((input) => gradients.get(input));

    const placed = new Map(region.inputs.map((input, i) => [input, operands[i] as Value]));
    const made = nodesFor(
      [...forward.nodes, ...work.nodes],
      results.filter((value) => value !== undefined),
    );
    place(made, sub, placed);
    return results.map((gradient, k) => {
      const { dtype, shape } = (inputs[k] as Value).type;
      return gradient ? (placed.get(gradient) ?? gradient) : sub.full(0, shape, dtype);
    });
  };
  const gradients = b.cond(predicate, branch(0), branch(1));
  const result: (Value | undefined)[] = node.inputs.map(() => undefined);
  wanted.forEach((i, k) => (result[i + 1] = gradients[k]));
  return result;
}

/** The gradients of a region's results, those of one value added up. */
export function seedsOf(
  results: readonly Value[],
  gradients: readonly (Value | undefined)[],
  reached: ReadonlySet<Value>,
  work: Builder,
): ReadonlyMap<Value, Value> {
  const seeds = new Map<Value, Value>();
  results.forEach((value, k) => {
    const gradient = gradients[k];
    if (!gradient || !reached.has(value)) return;
    const before = seeds.get(value);
    seeds.set(value, before ? work.op('add', [before, gradient]) : gradient);
  });
  return seeds;
}
