/**
 * The scalars that a training step is given: the learning rate by schedule and warm-up, scheduled fields of the
 * optimizer, and the optimizer's own. All are functions of the step, and of the state of schedules that follow the
 * evaluation.
 */
import type { Fields, Json, SectionSpec, TrainSpec } from '../frontend/spec';
import { numberOf } from '../layers/fields';
import type { Better, Figures, ScheduleContext, ScheduleDef } from '../schedules/define';
import { between } from '../schedules/shapes';
import { withDefaults } from './defaults';
import { hyperInput, optimizerOf, restInput, scheduledFields, scheduleOf, type OptimizerSetup } from './updates';

/** Where the training stands, in the terms of its schedules. */
export interface Clock {
  /** Counts from 1. */
  readonly step: number;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  /** How often the optimizer has updated, this step included; by default `step`. */
  readonly updates?: number;
  readonly state?: ScheduleState | undefined;
}

/** The states of those schedules that have one: by the optimizer's field, `lr` for the schedule itself. Plain JSON. */
export type ScheduleState = Readonly<Record<string, Json>>;

/** Everything that `updateInputs` names, by name. */
export function stepInputs(setup: OptimizerSetup, clock: Clock, prefix = ''): Readonly<Record<string, number>> {
  const def = optimizerOf(setup.optimizer);
  const now = fieldsAt(setup, clock);
  const inputs: Record<string, number> = { lr: numberOf(now, 'lr') };
  for (const field of scheduledFields(setup)) {
    inputs[hyperInput(field)] = numberOf(now, field);
    inputs[restInput(field)] = 1 - numberOf(now, field);
  }
  Object.assign(inputs, def.scalars(now, clock.updates ?? clock.step));
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`${prefix}${name}`, value]));
}

/** The learning rate of training step `step`, which counts from 1. */
export function learningRate(setup: OptimizerSetup, step: number, stepsPerEpoch: number, totalSteps: number): number {
  return numberOf(fieldsAt(setup, { step, stepsPerEpoch, totalSteps }), 'lr');
}

/** The optimizer's scalars at training step `step`, which counts from 1, where no field is scheduled. */
export function optimizerScalars(train: TrainSpec, step: number): Readonly<Record<string, number>> {
  const def = optimizerOf(train.optimizer);
  return def.scalars(withDefaults(def, train.optimizer.fields), step);
}

/** The optimizer's fields as the schedules have them at a step. */
function fieldsAt({ optimizer, schedule, schedules = {} }: OptimizerSetup, clock: Clock): Fields {
  const def = optimizerOf(optimizer);
  const fields = withDefaults(def, optimizer.fields);
  const now: Record<string, Json> = { ...fields };
  for (const [field, section] of [['lr', schedule] as const, ...Object.entries(schedules)]) {
    now[field] = numberOf(fields, field) * new Course(section, clock, clock.state?.[field]).factor();
  }
  const momentum = new Course(schedule, clock, undefined).momentum();
  if (momentum !== undefined && def.momentum !== undefined) now[def.momentum] = momentum;
  return now;
}

/** One schedule at one step, after its warm-up or within it. */
class Course {
  readonly #def: ScheduleDef;
  readonly #context: ScheduleContext;
  readonly #warmup: Warmup;

  constructor(
    section: SectionSpec,
    private readonly clock: Clock,
    state: Json | undefined,
  ) {
    const { warmup, ...own } = section.fields;
    const { stepsPerEpoch, totalSteps } = clock;
    this.#def = scheduleOf(section);
    this.#warmup = warmupOf(warmup, stepsPerEpoch);
    const { steps } = this.#warmup;
    this.#context = {
      fields: withDefaults(this.#def, own),
      step: Math.max(0, clock.step - 1 - steps),
      warmup: steps,
      totalSteps: totalSteps - steps,
      stepsPerEpoch,
      state: state ?? this.#def.initialState?.(),
    };
  }

  factor(): number {
    const { steps, from, shape } = this.#warmup;
    const { step } = this.clock;
    return step <= steps
      ? between(shape, from, 1, shape === 'constant' ? 0 : step / steps)
      : this.#def.factor(this.#context);
  }

  /** During the warm-up it is what the first step after it has. */
  momentum(): number | undefined {
    return this.#def.cyclesMomentum?.(this.#context.fields) === true ? this.#def.momentum?.(this.#context) : undefined;
  }
}

interface Warmup {
  readonly steps: number;
  readonly from: number;
  readonly shape: string;
}

/** A rise from `from` times the rate; the last step of the warm-up has the full rate, unless it is constant. */
function warmupOf(warmup: Fields[string] | undefined, stepsPerEpoch: number): Warmup {
  const none = { steps: 0, from: 0, shape: 'linear' };
  if (typeof warmup !== 'object' || warmup === null || Array.isArray(warmup)) return none;
  const { steps, epochs, from, shape } = warmup as Fields;
  const length = typeof steps === 'number' ? steps : typeof epochs === 'number' ? epochs * stepsPerEpoch : 0;
  return {
    steps: Math.round(length),
    from: typeof from === 'number' ? from : 0,
    shape: typeof shape === 'string' ? shape : 'linear',
  };
}

function sectionsOf({ schedule, schedules = {} }: OptimizerSetup): (readonly [string, SectionSpec])[] {
  return [['lr', schedule] as const, ...Object.entries(schedules)];
}

/** The states before the first evaluation. Empty where no schedule follows the evaluation. */
export function initialScheduleState(setup: OptimizerSetup): ScheduleState {
  const states = sectionsOf(setup).map(([field, section]) => [field, scheduleOf(section).initialState?.()] as const);
  return Object.fromEntries(states.filter((entry): entry is readonly [string, Json] => entry[1] !== undefined));
}

/** The states after an evaluation: to be used from the next step on and kept in checkpoints. */
export function afterEvaluation(
  setup: OptimizerSetup,
  state: ScheduleState,
  figures: Figures,
  better: Better,
): ScheduleState {
  const next: Record<string, Json> = {};
  for (const [field, section] of sectionsOf(setup)) {
    const def = scheduleOf(section);
    const before = state[field] ?? def.initialState?.();
    if (!def.afterEvaluation || before === undefined) continue;
    next[field] = def.afterEvaluation(withDefaults(def, section.fields), before, figures, better);
  }
  return next;
}

/** What a checkpoint file has under this name, checked: the file may be anybody's. Undefined where it does not fit. */
export function scheduleStateOf(setup: OptimizerSetup, saved: Json | undefined): ScheduleState | undefined {
  const found = typeof saved === 'object' && saved !== null && !Array.isArray(saved) ? (saved as Fields) : {};
  const expected = Object.keys(initialScheduleState(setup));
  const fits = sectionsOf(setup).every(([field, section]) => {
    const state = found[field];
    return !expected.includes(field) || (state !== undefined && scheduleOf(section).isState?.(state) === true);
  });
  return fits ? Object.fromEntries(expected.map((field) => [field, found[field] as Json])) : undefined;
}
