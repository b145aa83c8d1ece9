/** Shapes as users write them in layers: numbers and the symbols of the model's inputs, such as `N`. */
import type { FieldSchema } from '../../frontend/describe';
import type { Json } from '../../frontend/spec';
import type { LowerContext } from '../define';

/** `special`: what else an extent may be, e.g. `{const: -1}`. */
export function extentsField(
  description: string,
  special: readonly Json[] = [],
  rest: Readonly<Record<string, Json>> = {},
): FieldSchema {
  const extent = { type: 'integer', minimum: 1 } as const;
  const symbol = { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' } as const;
  return { description, type: 'array', items: { anyOf: [extent, ...special, symbol] }, ...rest };
}

/** The extents of a field, symbols replaced by what they stand for. */
export function extentsOf(context: LowerContext, field = 'shape'): readonly number[] {
  const { symbols } = context;
  return (context.fields[field] as readonly (number | string)[]).map((extent, axis) => {
    if (typeof extent === 'number') return extent;
    const bound = symbols[extent];
    if (bound !== undefined) return bound;
    const known = Object.keys(symbols).join(', ') || 'none';
    return context.fail([field, axis], `no input has a dimension called '${extent}'`, `known dimensions: ${known}`);
  });
}
