/** Functions of one element: the layers that are one element-wise op each. */
import type { Sample } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import type { LayerDef, LowerContext } from '../define';
import { defineLayer } from '../define';
import { requireNumbers } from '../merge/merge';
import { requireFloat } from '../window';

export interface Unary {
  /** The op's name too. */
  readonly type: string;
  readonly summary: string;
  readonly details?: string;
  /** Of the sample's values; both ends lie off the kinks. */
  readonly range?: readonly [number, number];
  /** Takes signed integers too. */
  readonly integers?: boolean;
  readonly samples?: readonly Sample[];
}

export function defineUnary({ range = [-2, 2.1], integers = false, samples = [], ...rest }: Unary): LayerDef {
  return defineLayer({
    ...rest,
    example: `{name: ${rest.type}1, type: ${rest.type}}`,
    fields: {},
    samples: [
      { inputs: [{ shape: ['N', 3, 5], range, separated: true }] },
      ...(integers ? [{ inputs: [{ shape: ['N', 7], dtype: 'int32', range: [-9, 9] }] } as const] : []),
      ...samples,
    ],
    arity: [1, 1],
    lower(context, inputs) {
      if (integers) requireSigned(context, inputs[0]!);
      else requireFloat(context, inputs[0]!);
      return context.b.op(rest.type, inputs);
    },
  });
}

function requireSigned(context: LowerContext, input: Value): void {
  requireNumbers(context, [input]);
  if (input.type.dtype === 'u8') context.mismatch('dtype', 'it works on numbers with a sign', 'cast them first');
}

export const abs = defineUnary({ type: 'abs', summary: '|x|. At 0 the gradient is 0.', integers: true });

export const neg = defineUnary({ type: 'neg', summary: '−x.', integers: true });

export const sign = defineUnary({
  type: 'sign',
  summary: '−1, 0 or 1 as x is negative, zero or positive.',
  details: 'Its gradient is 0.',
  integers: true,
});

export const square = defineUnary({ type: 'square', summary: 'x².', integers: true });

export const sqrt = defineUnary({
  type: 'sqrt',
  summary: '√x, NaN below 0.',
  details: 'The gradient is infinite at 0: add a small number before where 0 can occur.',
  range: [0.2, 4],
});

export const rsqrt = defineUnary({ type: 'rsqrt', summary: '1 / √x.', range: [0.2, 4] });

export const reciprocal = defineUnary({ type: 'reciprocal', summary: '1 / x.', range: [0.2, 4] });

export const expm1 = defineUnary({ type: 'expm1', summary: 'exp(x) − 1, exact for small x.' });

export const log1p = defineUnary({ type: 'log1p', summary: 'log(1 + x), exact for small x.', range: [-0.7, 4] });

export const erf = defineUnary({ type: 'erf', summary: 'The error function, 2/√π · ∫₀ˣ exp(−t²) dt.' });

const SPECIAL: readonly Sample[] = [{ inputs: [{ shape: ['N', 4], values: [0, Infinity, -Infinity, NaN] }], wrt: [] }];

export const isNan = defineUnary({ type: 'is_nan', summary: 'True where x is not a number.', samples: SPECIAL });

export const isFinite = defineUnary({
  type: 'is_finite',
  summary: 'True where x is a number and not infinite.',
  samples: SPECIAL,
});
