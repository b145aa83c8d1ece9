/** The `init` field of layers with one main weight: the short way to name its initializer. */
import type { FieldSchema } from '../frontend/describe';
import type { Json } from '../frontend/spec';
import { INITIALIZERS } from '../initializers/index';
import type { LowerContext } from './define';

const variants: readonly Json[] = Object.values(INITIALIZERS).map((def) => ({
  type: 'object',
  properties: { type: { const: def.type }, ...(def.fields as Readonly<Record<string, Json>>) },
  required: ['type', ...(def.required ?? [])],
  additionalProperties: false,
}));

/** Initializers that need no fields can be written as a bare name. */
const names = Object.values(INITIALIZERS)
  .filter((def) => (def.required ?? []).length === 0)
  .map((def) => def.type);

export const initField: FieldSchema = {
  description:
    'Initializer of the weight: short for `parameters: {weight: {init: ...}}`. A name, or an object with a `type`. Default: glorot_uniform.',
  anyOf: [{ enum: names }, ...variants],
};

/** The default initializer that a layer asks for its weight. */
export function weightInit({ fields }: LowerContext): Json {
  return fields['init'] ?? 'glorot_uniform';
}
