/** Falls when the evaluation stops getting better. */
import type { Fields, Json } from '../frontend/spec';
import { InternalError } from '../diagnostics/errors';
import { numberOf, wordOf } from '../layers/fields';
import { defineSchedule } from './define';

interface PlateauState {
  readonly factor: number;
  /** Null before the first evaluation. */
  readonly best: number | null;
  /** Evaluations since the best one. */
  readonly bad: number;
  /** Evaluations that are still not counted. */
  readonly resting: number;
}

export const plateau = defineSchedule({
  type: 'plateau',
  summary: 'Multiplies the rate by `factor` when `metric` has not improved in `patience` evaluations.',
  details:
    "PyTorch's ReduceLROnPlateau, asked after each evaluation on `data.eval` (`train.evaluate.every`). Keras's callback of that name drops the rate one evaluation earlier for the same patience. Its state is in checkpoints, so that a resumed run goes on as it would have.",
  example: '{type: plateau, metric: loss, factor: 0.5, patience: 3}',
  fields: {
    metric: {
      description: 'What is watched: `loss`, or the name of a loss or metric.',
      type: 'string',
      minLength: 1,
      default: 'loss',
    },
    mode: {
      description: 'Whether smaller or greater is better. By default what the metric says, and min for losses.',
      enum: ['min', 'max'],
    },
    factor: {
      description: 'The factor of each drop.',
      type: 'number',
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      default: 0.1,
    },
    patience: {
      description: 'Evaluations without improvement that are let pass.',
      type: 'integer',
      minimum: 0,
      default: 10,
    },
    threshold: { description: 'What counts as an improvement.', type: 'number', minimum: 0, default: 1e-4 },
    threshold_mode: {
      description: 'Whether `threshold` is a share of the best value or a difference from it.',
      enum: ['rel', 'abs'],
      default: 'rel',
    },
    cooldown: { description: 'Evaluations after a drop that do not count.', type: 'integer', minimum: 0, default: 0 },
    min: { description: 'The smallest factor in all.', type: 'number', minimum: 0, default: 0 },
  },
  factor: ({ state }) => (state === undefined ? 1 : stateOf(state).factor),
  isState: isPlateauState,
  initialState: () => ({ factor: 1, best: null, bad: 0, resting: 0 }),
  afterEvaluation(fields, before, figures, better) {
    let { factor, best, bad, resting } = stateOf(before);
    const metric = wordOf(fields, 'metric');
    const found = figures[metric];
    if (found === undefined) throw new InternalError(`the evaluation has no figure '${metric}'`);
    const mode = fields['mode'] ?? (better(metric) === 'higher' ? 'max' : 'min');
    if (isBetter(fields, mode === 'max', found, best)) {
      best = found;
      bad = 0;
    } else bad++;
    if (resting > 0) {
      resting--;
      bad = 0;
    }
    if (bad > numberOf(fields, 'patience')) {
      factor = Math.max(numberOf(fields, 'min'), factor * numberOf(fields, 'factor'));
      resting = numberOf(fields, 'cooldown');
      bad = 0;
    }
    return { factor, best, bad, resting };
  },
});

/** NaN and infinity are never better. */
function isBetter(fields: Fields, higher: boolean, found: number, best: number | null): boolean {
  if (best === null) return Number.isFinite(found);
  const threshold = numberOf(fields, 'threshold');
  const relative = wordOf(fields, 'threshold_mode') === 'rel';
  return higher
    ? found > (relative ? best * (1 + threshold) : best + threshold)
    : found < (relative ? best * (1 - threshold) : best - threshold);
}

function stateOf(state: Json): PlateauState {
  if (!isPlateauState(state)) throw new InternalError(`${JSON.stringify(state)} is no state of a plateau`);
  return state;
}

/** Checkpoints come from anywhere; what is read from one is looked at before it gets here. */
function isPlateauState(state: Json | undefined): state is Json & PlateauState {
  if (typeof state !== 'object' || state === null || Array.isArray(state)) return false;
  const { factor, best, bad, resting } = state as Readonly<Record<string, Json>>;
  const isCount = (value: Json | undefined): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
  return (
    typeof factor === 'number' &&
    factor >= 0 &&
    (best === null || typeof best === 'number') &&
    isCount(bad) &&
    isCount(resting)
  );
}
