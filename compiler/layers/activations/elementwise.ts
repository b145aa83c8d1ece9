/** A layer that applies one function to each element: what all activations have in common. */
import type { Described } from '../../frontend/describe';
import type { Fields, Mode } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import { Arithmetic } from '../../ops/families/arithmetic';
import type { LayerDef, LowerContext } from '../define';
import { requireFloat } from '../window';

interface Activation {
  readonly type: string;
  readonly summary: string;
  readonly details?: string;
  readonly example?: string;
  readonly fields?: Described['fields'];
  readonly parameters?: readonly string[];
  /** Fields of one sample each, the first as in the example; without fields unless said. */
  readonly cases?: readonly Fields[];
  /** Of the samples: both ends lie off the kinks. */
  readonly range?: readonly [number, number];
  /** Default: train and predict give the same. */
  readonly modes?: readonly Mode[];
  /** `m` writes formulas as on paper. */
  readonly apply: (context: LowerContext, x: Value, m: Arithmetic) => Value;
}

export function defineActivation({ apply, cases = [{}], range = [-4, 4], modes, ...rest }: Activation): LayerDef {
  return {
    fields: {},
    example: `{name: ${rest.type}1, type: ${rest.type}}`,
    ...rest,
    samples: cases.map((fields) => ({
      inputs: [{ shape: ['N', 3, 5], range, separated: true }],
      fields,
      ...(modes && { modes }),
    })),
    arity: [1, 1],
    lower(context, inputs) {
      requireFloat(context, inputs[0]!);
      return apply(context, inputs[0]!, new Arithmetic(context.b, 'f32'));
    },
  };
}
