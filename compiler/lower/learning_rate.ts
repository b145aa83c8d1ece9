/** The scalars that a training step is given: the learning rate by schedule and warm-up, and the optimizer's own. */
import { InternalError } from '../diagnostics/errors';
import type { Fields, TrainSpec } from '../frontend/spec';
import { numberOf } from '../layers/fields';
import type { ScheduleDef } from '../schedules/define';
import { SCHEDULES } from '../schedules/index';
import { withDefaults } from './defaults';
import { optimizerOf } from './training';

const DEFS: Readonly<Record<string, ScheduleDef>> = SCHEDULES;

/** The learning rate of training step `step`, which counts from 1. */
export function learningRate(train: TrainSpec, step: number, stepsPerEpoch: number, totalSteps: number): number {
  const { optimizer, schedule } = train;
  const base = numberOf(withDefaults(optimizerOf(optimizer), optimizer.fields), 'lr');
  const { warmup, ...own } = schedule.fields;
  const { steps, from } = warmupOf(warmup, stepsPerEpoch);
  if (step <= steps) return base * (from + ((1 - from) * step) / steps);
  const def = DEFS[schedule.type];
  if (!def) throw new InternalError(`no schedule is called '${schedule.type}'`);
  const fields = withDefaults(def, own);
  return (
    base * def.factor({ fields, step: step - 1 - steps, warmup: steps, totalSteps: totalSteps - steps, stepsPerEpoch })
  );
}

/** The optimizer's scalars at training step `step`, which counts from 1. */
export function optimizerScalars(train: TrainSpec, step: number): Readonly<Record<string, number>> {
  const def = optimizerOf(train.optimizer);
  return def.scalars(withDefaults(def, train.optimizer.fields), step);
}

/** A rise on a straight line from `from` times the rate; the last step of the warm-up has the full rate. */
function warmupOf(warmup: Fields[string] | undefined, stepsPerEpoch: number): { steps: number; from: number } {
  if (typeof warmup !== 'object' || warmup === null || Array.isArray(warmup)) return { steps: 0, from: 0 };
  const { steps, epochs, from } = warmup as Fields;
  const length = typeof steps === 'number' ? steps : typeof epochs === 'number' ? epochs * stepsPerEpoch : 0;
  return { steps: Math.round(length), from: typeof from === 'number' ? from : 0 };
}
