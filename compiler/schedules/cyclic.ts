/** Schedules that rise and fall, with the momentum in the other direction if wanted: one cycle, and many. */
import type { FieldSchema } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import { flag, flagOf, numberOf, numbersOf, wordOf } from '../layers/fields';
import { defineSchedule, type ScheduleContext } from './define';
import { INTERVAL, stepsOf } from './interval';
import { between } from './shapes';

const momentumField = (low: number, high: number): FieldSchema => ({
  description: `Drives the optimizer's momentum (beta1 of Adam and its relatives) against the rate, between these two values: \`[low, high]\`, e.g. \`[${low}, ${high}]\`; low where the rate is highest. Left out, momentum stays as it is.`,
  type: 'array',
  items: { type: 'number', minimum: 0, exclusiveMaximum: 1 },
  minItems: 2,
  maxItems: 2,
});

const cyclesMomentum = (fields: Fields): boolean => fields['momentum'] !== undefined;

function momentumProblem(fields: Fields): { path: string[]; why: string } | undefined {
  if (!cyclesMomentum(fields)) return undefined;
  const [low = 0, high = 0] = numbersOf(fields, 'momentum');
  return low < high
    ? undefined
    : { path: ['momentum'], why: 'the first value is the low one, the second the high one' };
}

/** Where a step of one cycle is: between which of the cycle's corners, and how far. */
function phaseOf({ fields, step, totalSteps }: ScheduleContext): { readonly corner: number; readonly t: number } {
  const rise = numberOf(fields, 'pct_start') * totalSteps;
  const ends = flagOf(fields, 'three_phase') ? [rise - 1, 2 * rise - 2, totalSteps - 1] : [rise - 1, totalSteps - 1];
  const now = Math.min(step, totalSteps - 1);
  let corner = 0;
  while (corner < ends.length - 1 && now > (ends[corner] ?? 0)) corner++;
  const start = corner === 0 ? 0 : (ends[corner - 1] ?? 0);
  const length = (ends[corner] ?? 0) - start;
  return { corner, t: length > 0 ? (now - start) / length : 1 };
}

function onCourse(context: ScheduleContext, corners: readonly number[]): number {
  const { corner, t } = phaseOf(context);
  return between(wordOf(context.fields, 'shape'), corners[corner] ?? 1, corners[corner + 1] ?? 1, t);
}

export const oneCycle = defineSchedule({
  type: 'one_cycle',
  summary: 'Rises from lr / div to lr, then falls to almost nothing, over the whole training.',
  details:
    "Smith 2018 as PyTorch's OneCycleLR: `lr` of the optimizer is the top. The end is lr / (div · div_final); fastai's div_final counts from the top, 1e5 there is `div_final: 4000` here, and its pct_start is 0.25. Step 0 is the bottom, the last step the end. With `three_phase` it falls back to the start as slowly as it rose, and then to the end.",
  example: '{type: one_cycle, pct_start: 0.25, momentum: [0.85, 0.95]}',
  fields: {
    pct_start: {
      description: 'Share of the training in which the rate rises.',
      type: 'number',
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      default: 0.3,
    },
    div: { description: 'The rate starts at lr / div.', type: 'number', minimum: 1, default: 25 },
    div_final: { description: 'It ends at lr / (div · div_final).', type: 'number', minimum: 1, default: 10_000 },
    shape: { description: 'How it rises and falls.', enum: ['cosine', 'linear'], default: 'cosine' },
    three_phase: flag('Falls back to the start first, then to the end.', false),
    momentum: momentumField(0.85, 0.95),
  },
  problem: (fields) =>
    flagOf(fields, 'three_phase') && numberOf(fields, 'pct_start') > 0.5
      ? { path: ['pct_start'], why: 'with `three_phase` the fall takes as long as the rise: at most 0.5' }
      : momentumProblem(fields),
  factor: (context) => {
    const { fields } = context;
    const start = 1 / numberOf(fields, 'div');
    const end = start / numberOf(fields, 'div_final');
    return onCourse(context, flagOf(fields, 'three_phase') ? [start, 1, start, end] : [start, 1, end]);
  },
  cyclesMomentum,
  momentum: (context) => {
    const [low = 0, high = 0] = numbersOf(context.fields, 'momentum');
    return onCourse(context, [high, low, high, high]);
  },
});

/** How high a step of a cyclic schedule stands, 0 … 1. */
function heightOf(context: ScheduleContext): number {
  const { fields, step } = context;
  const up = stepsOf(fields['up'], context);
  const period = up + stepsOf(fields['down'] ?? fields['up'], context);
  const cycle = Math.floor(step / period);
  const at = step - cycle * period;
  const triangle = at <= up ? at / up : (period - at) / (period - up);
  const mode = wordOf(fields, 'mode');
  if (mode === 'triangular2') return triangle / 2 ** cycle;
  return mode === 'exp_range' ? triangle * numberOf(fields, 'gamma') ** step : triangle;
}

export const cyclic = defineSchedule({
  type: 'cyclic',
  summary: 'Rises in a line from `low` to the full rate and falls back, again and again.',
  details:
    "Smith 2017 as PyTorch's CyclicLR: `lr` of the optimizer is max_lr, `low` is base_lr / max_lr. `triangular2` halves the height with each cycle; `exp_range` multiplies it by gamma^step.",
  example: '{type: cyclic, low: 0.1, up: 2 epochs, mode: triangular2}',
  fields: {
    low: { description: 'The factor at the bottom.', type: 'number', minimum: 0, exclusiveMaximum: 1, default: 0.1 },
    up: { description: 'How long it rises: steps, or `"2 epochs"`.', ...INTERVAL, default: 2000 },
    down: { description: 'How long it falls; by default as long as it rises.', ...INTERVAL },
    mode: {
      description: 'How the height of the cycles changes.',
      enum: ['triangular', 'triangular2', 'exp_range'],
      default: 'triangular',
    },
    gamma: {
      description: 'Factor on the height per step, for `exp_range`.',
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1,
    },
    momentum: momentumField(0.8, 0.9),
  },
  problem: (fields) => {
    const ranged = wordOf(fields, 'mode') === 'exp_range';
    if (!ranged && fields['gamma'] !== 1) return { path: ['gamma'], why: 'it is for `mode: exp_range`' };
    if (ranged && fields['gamma'] === 1) return { path: ['mode'], why: '`exp_range` needs a `gamma` below 1' };
    return momentumProblem(fields);
  },
  points: ({ up = 1 }) => [{ path: ['up'], what: 'the full rate is reached', at: [up] }],
  factor: (context) => between('linear', numberOf(context.fields, 'low'), 1, heightOf(context)),
  cyclesMomentum,
  momentum: (context) => {
    const [low = 0, high = 0] = numbersOf(context.fields, 'momentum');
    return between('linear', high, low, heightOf(context));
  },
});
