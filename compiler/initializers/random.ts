/** What the random initializers share: a uniform or normal draw with a given bound or deviation, in one node. */
import type { Value } from '../ir/graph';
import type { InitContext } from './define';

export function uniform(context: InitContext, low: number, high: number): Value {
  const { b, rng, shape, stream } = context;
  return b.op('random_uniform', [rng], { shape, low, high, stream });
}

export function normal(context: InitContext, mean: number, std: number, truncated = false): Value {
  const { b, rng, shape, stream } = context;
  return b.op('random_normal', [rng], { shape, mean, std, stream, truncated });
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
