/** What the random initializers share: a uniform or normal draw with a given bound or deviation, in one node. */
import type { FieldSchema } from '../frontend/describe';
import type { Value } from '../ir/graph';
import { flag, flagOf } from '../layers/fields';
import type { InitContext } from './define';

export function uniform(context: InitContext, low: number, high: number): Value {
  const { b, rng, shape, stream } = context;
  return b.op('random_uniform', [rng], { shape, low, high, stream });
}

export function normal(context: InitContext, mean: number, std: number, truncated = false): Value {
  const { b, rng, shape, stream } = context;
  return b.op('random_normal', [rng], { shape, mean, std, stream, truncated });
}

/** Standard deviation of a standard normal that is cut off at two. */
const TRUNCATED_STD = 0.87962566103423978;

/** With the variance scale / fan, cut off at two deviations where the field `truncated` says so. */
export function normalScaled(context: InitContext, scale: number, fan: number, cut?: boolean): Value {
  const truncated = cut ?? flagOf(context.fields, 'truncated');
  const std = Math.sqrt(scale / fan);
  return normal(context, 0, truncated ? std / TRUNCATED_STD : std, truncated);
}

/** With the variance scale / fan, in one interval around 0. */
export function uniformScaled(context: InitContext, scale: number, fan: number): Value {
  const bound = Math.sqrt((3 * scale) / fan);
  return uniform(context, -bound, bound);
}

/** The fan a variance is scaled by. */
export function fanOf(context: InitContext, mode: string): number {
  const { fanIn, fanOut } = context;
  return mode === 'fan_out' ? fanOut : mode === 'fan_avg' ? (fanIn + fanOut) / 2 : fanIn;
}

export const MODE = {
  description: 'Which fan the variance is scaled by: inputs of a unit, outputs it feeds, or their average.',
  enum: ['fan_in', 'fan_out', 'fan_avg'],
  default: 'fan_in',
} as const;

export const TRUNCATED: FieldSchema = flag(
  'Draws again beyond two deviations, as Keras does, from a normal so much wider that the variance stays.',
  false,
);

export const gain = (description = 'Factor on what is drawn.'): FieldSchema => ({
  description,
  type: 'number',
  exclusiveMinimum: 0,
  default: 1,
});
