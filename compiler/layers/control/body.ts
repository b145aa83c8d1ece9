/** What control layers have in common: the field of a body, and how inputs meet its names. */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import { sameType } from '../../ir/types';
import type { BodyInterface, LowerContext } from '../define';

export const bodyField = (description: string): FieldSchema => ({
  description: `${description} The name of a block, \`{type: block, ...parameters}\`, or \`{inputs, layers, outputs}\` in place.`,
  anyOf: [{ type: 'string', minLength: 1 }, { type: 'object' }],
});

/** The layer's inputs under the body's names for them, in order; `without` some that need none. */
export function bindInputs(
  context: LowerContext,
  body: BodyInterface,
  inputs: readonly Value[],
  without: ReadonlySet<string> = new Set(),
): ReadonlyMap<string, Value> {
  const names = body.inputs.filter((name) => !without.has(name));
  if (names.length !== inputs.length) {
    const taken = names.length === 0 ? 'none' : names.map((name) => `\`${name}\``).join(', ');
    const zeros =
      without.size === 0 ? '' : ` (${[...without].map((name) => `\`${name}\``).join(', ')} starts from zeros)`;
    context.fail(['inputs'], `the body takes ${taken}${zeros}; found ${inputs.length} inputs`);
  }
  return new Map(names.map((name, i) => [name, inputs[i]!]));
}

/** A carried value has one type from step to step. */
export function requireCarried(context: LowerContext, path: readonly string[], before: Value, after: Value): Value {
  if (!sameType(before.type, after.type)) {
    const show = ({ type }: Value): string => `${type.dtype}[${type.shape.join(', ')}]`;
    context.fail(path, `it is ${show(before)} before a step and ${show(after)} after it; they have to be the same`);
  }
  return after;
}

/** Samples in the batch. */
export function batchOf(context: LowerContext, inputs: readonly Value[]): number {
  return inputs[0]?.type.shape[0] ?? Object.values(context.symbols)[0] ?? 1;
}
