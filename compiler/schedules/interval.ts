/** A stretch of training in a schedule's field: a bare number of steps, `"500 steps"` or `"10 epochs"`, or a share. */
import { InternalError } from '../diagnostics/errors';
import type { FieldSchema } from '../frontend/describe';
import type { Json } from '../frontend/spec';
import type { ScheduleContext } from './define';

export const INTERVAL = {
  anyOf: [
    { type: 'integer', minimum: 1 },
    { type: 'string', pattern: '^[1-9][0-9]* (steps?|epochs?)$' },
  ],
} as const;

/** An interval, or a number below 1: that share of the whole training. */
export const SHARE = {
  anyOf: [{ type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }, ...INTERVAL.anyOf],
} as const;

/** How long a fall takes, for schedules that fall once. */
export const OVER: FieldSchema = {
  description: 'How long it takes: steps, or `"10 epochs"`; by default the whole training. What is reached stays.',
  ...INTERVAL,
};

export function stepsOf(interval: Json | undefined, { stepsPerEpoch }: Pick<ScheduleContext, 'stepsPerEpoch'>): number {
  if (typeof interval === 'number') return interval;
  const [count, unit] = typeof interval === 'string' ? interval.split(' ') : [];
  if (count === undefined || unit === undefined) {
    throw new InternalError(`${JSON.stringify(interval)} is no interval after validation`);
  }
  return Number(count) * (unit.startsWith('epoch') ? stepsPerEpoch : 1);
}

/** Of a field with the schema `SHARE`. */
export function shareOf(share: Json | undefined, context: ScheduleContext): number {
  return typeof share === 'number' && share < 1 ? share * context.totalSteps : stepsOf(share, context);
}

/** How far the stretch `over` is done at this step, 0 … 1. */
export function progressOf(context: ScheduleContext): number {
  const over = context.fields['over'];
  const length = over === undefined ? context.totalSteps : stepsOf(over, context);
  return Math.min(1, context.step / Math.max(1, length));
}
