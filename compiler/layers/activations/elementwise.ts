/** A layer that applies one function to each element: what all activations have in common. */
import type { Described } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import type { LayerDef, LowerContext } from '../define';
import { requireFloat } from '../window';

interface Activation {
  readonly type: string;
  readonly summary: string;
  readonly details?: string;
  readonly example?: string;
  readonly fields?: Described['fields'];
  readonly apply: (context: LowerContext, x: Value) => Value;
}

export function defineActivation({ apply, ...rest }: Activation): LayerDef {
  return {
    fields: {},
    example: `{name: ${rest.type}1, type: ${rest.type}}`,
    ...rest,
    arity: [1, 1],
    lower(context, inputs) {
      requireFloat(context, inputs[0]!);
      return apply(context, inputs[0]!);
    },
  };
}
