/** A stretch of training in a schedule's field: a bare number of steps, `"500 steps"` or `"10 epochs"`. */
import { InternalError } from '../diagnostics/errors';
import type { Json } from '../frontend/spec';
import type { ScheduleContext } from './define';

export const INTERVAL = {
  anyOf: [
    { type: 'integer', minimum: 1 },
    { type: 'string', pattern: '^[1-9][0-9]* (steps?|epochs?)$' },
  ],
} as const;

export function stepsOf(interval: Json | undefined, { stepsPerEpoch }: ScheduleContext): number {
  if (typeof interval === 'number') return interval;
  const [count, unit] = typeof interval === 'string' ? interval.split(' ') : [];
  if (count === undefined || unit === undefined) {
    throw new InternalError(`${JSON.stringify(interval)} is no interval after validation`);
  }
  return Number(count) * (unit.startsWith('epoch') ? stepsPerEpoch : 1);
}
