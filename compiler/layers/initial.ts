/** The `init` field of layers with one main weight: the short way to name its initializer. */
import type { FieldSchema } from '../frontend/describe';
import { typed } from '../frontend/shapes';
import type { Json } from '../frontend/spec';
import { INITIALIZERS } from '../initializers/index';
import type { LowerContext } from './define';

export const initField: FieldSchema = {
  description:
    'Initializer of the weight: short for `parameters: {weight: {init: …}}`. A name, or a mapping with its `type` and fields. Default: glorot_uniform.',
  ...typed(INITIALIZERS),
};

/** The default initializer that a layer asks for its weight. */
export function weightInit({ fields }: LowerContext): Json {
  return fields['init'] ?? 'glorot_uniform';
}
