/** Running statistics: averages over the steps of training, in buffers. */
import type { Value } from '../../ir/graph';
import type { LowerContext } from '../define';

export interface Statistic {
  readonly buffer: Value;
  /** Of this step. */
  readonly fresh: Value;
  /** On the fresh value: what makes a biased variance unbiased. */
  readonly factor: number;
}

/**
 * Moves buffers towards this step's statistics: (1 − momentum) · old + momentum · fresh. A corrected average weighs the
 * steps alike but forgets what the buffers held at first: the weight of a step is 1, that of each one before it by
 * 1 − momentum less, and `total_weight` holds their sum. With momentum 0 it is the plain mean of all steps.
 */
export function runningAverage(
  context: LowerContext,
  momentum: number,
  corrected: boolean,
  statistics: readonly Statistic[],
): void {
  const { b } = context;
  if (!corrected) {
    for (const { buffer, fresh, factor } of statistics) {
      const kept = b.op('mul', [buffer, b.full(1 - momentum)]);
      context.updateBuffer(buffer, b.op('add', [kept, b.op('mul', [fresh, b.full(momentum * factor)])]));
    }
    return;
  }
  const weight = context.buffer('total_weight', [], 'zeros');
  const next = b.op('add', [b.op('mul', [weight, b.full(1 - momentum)]), b.full(1)]);
  for (const { buffer, fresh, factor } of statistics) {
    const step = b.op('sub', [b.op('mul', [fresh, b.full(factor)]), buffer]);
    context.updateBuffer(buffer, b.op('add', [buffer, b.op('div', [step, next])]));
  }
  context.updateBuffer(weight, next);
}
