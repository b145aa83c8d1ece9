/**
 * Points of the training that lie behind its last step: a drop, a warm-up, an average that never comes. How many steps an
 * epoch has is known where the data are; without them only what holds for any number of samples is reported.
 */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { Location } from '../diagnostics/location';
import type { Fields, Interval, Json, PhaseSpec, SectionSpec, Spec, TrainSpec } from '../frontend/spec';
import { numberOf } from '../layers/fields';
import { stepsOf } from '../schedules/interval';
import { withDefaults } from './defaults';
import { scheduleOf } from './updates';

/** So many steps and so many epochs together. */
interface Stretch {
  readonly steps: number;
  readonly epochs: number;
}

/** A stretch of the training that a section is in force for. */
interface Course extends Stretch {
  readonly name: string;
}

const NOTHING: Stretch = { steps: 0, epochs: 0 };

const sum = (parts: readonly Stretch[]): Stretch =>
  parts.reduce((a, b) => ({ steps: a.steps + b.steps, epochs: a.epochs + b.epochs }), NOTHING);

/** `samples` of the training data, where they are known. */
export function checkLengths({ data }: Spec, train: TrainSpec, samples?: number): readonly Diagnostic[] {
  const stepsPerEpoch = samples === undefined ? undefined : Math.ceil(samples / train.batchSize);
  return new Lengths(train, stepsPerEpoch, data.eval !== undefined).check();
}

class Lengths {
  readonly #whole: Course;
  readonly #phases: readonly Course[];
  readonly #found: Diagnostic[] = [];

  constructor(
    private readonly train: TrainSpec,
    private readonly stepsPerEpoch: number | undefined,
    private readonly isEvaluated: boolean,
  ) {
    this.#phases = train.phases.map((phase) => ({ ...lengthOf(phase), name: `phase \`${phase.name}\`` }));
    const whole = train.phases.length > 0 ? sum(this.#phases) : lengthOf({ epochs: 1, ...train });
    this.#whole = { ...whole, name: 'the training' };
  }

  check(): readonly Diagnostic[] {
    // Without a step nothing is reached, and that is what was asked for.
    if (this.#whole.steps + this.#whole.epochs === 0) return [];
    for (const [section, courses] of this.#sections()) this.#checkSchedule(section, courses);
    this.#checkAverages();
    this.#checkStop();
    for (const { every, at } of this.train.objectives) {
      this.#last(at(['every']), 'the objective is at work for the first time', { steps: every, epochs: 0 });
    }
    return this.#found;
  }

  /** Each schedule that is written, and where it is in force: phases that have none of their own begin the training's anew. */
  #sections(): ReadonlyMap<SectionSpec, readonly Course[]> {
    const { phases, objectives } = this.train;
    const setups = phases.length > 0 ? phases : objectives.length > 0 ? objectives : [this.train];
    const found = new Map<SectionSpec, Course[]>();
    setups.forEach(({ schedule, schedules = {} }, i) => {
      const course = this.#phases[i] ?? this.#whole;
      for (const section of [schedule, ...Object.values(schedules)]) {
        found.set(section, [...(found.get(section) ?? []), course]);
      }
    });
    return found;
  }

  #checkSchedule(section: SectionSpec, courses: readonly Course[]): void {
    const def = scheduleOf(section);
    const { warmup, ...own } = section.fields;
    const fields = withDefaults(def, own);
    const rise = warmupOf(warmup);
    const before = this.#found.length;
    this.#report(section.at(['warmup']), 'the warm-up ends', rise, courses, section.type === 'constant');
    if (this.#found.length > before) return;
    for (const { path, what, at, isFromStart = false, within } of def.points?.(fields) ?? []) {
      const point = sum([...(isFromStart || within ? [] : [rise]), ...at.map(stretchOf)]);
      const among = within ? [{ ...stretchOf(within), name: 'its part' }] : courses;
      this.#report(section.at(path), what, point, among);
    }
    if (!def.afterEvaluation) return;
    const drop = this.#evaluations(numberOf(fields, 'patience') + 2);
    if (drop) this.#report(section.at(['patience']), 'the first drop can come', drop, courses);
  }

  #checkAverages(): void {
    const { average, lookahead } = this.train;
    if (average) {
      const second = sum([average.start, average.every].map(intervalOf));
      const what = 'the average begins to differ from the weights';
      this.#report(average.at(['start']), what, second, [this.#whole]);
    }
    if (lookahead) {
      const at = this.train.at(['lookahead', 'steps']);
      this.#last(at, 'the slow weights move for the first time', { steps: lookahead.steps, epochs: 0 });
    }
  }

  /** The first evaluation is the best one, `patience` more may be no better, and one more ends the training. */
  #checkStop(): void {
    const { stop } = this.train;
    const end = stop && this.#evaluations(stop.patience + 2);
    if (end) this.#report(stop.at(['patience']), 'the training can stop', end, [this.#whole]);
  }

  /** When so many evaluations are over, where that can be told. */
  #evaluations(count: number): Stretch | undefined {
    const { every } = this.train.evaluate;
    return every.unit === 'minutes' || !this.isEvaluated
      ? undefined
      : intervalOf({ ...every, count: count * every.count });
  }

  /** What still counts in the last step. */
  #last(at: Location, what: string, point: Stretch): void {
    this.#report(at, what, point, this.#phases.length > 0 ? this.#phases : [this.#whole], true);
  }

  /** Reports a point that none of the courses reaches; the end itself counts only where `isIncluded`. */
  #report(at: Location, what: string, point: Stretch, courses: readonly Course[], isIncluded = false): void {
    const beyond = courses.every((course) => this.#isBeyond(point, course, isIncluded));
    const longest = courses.at(-1);
    if (point.steps + point.epochs === 0 || !beyond || !longest) return;
    this.#found.push(say.neverReached(at, what, shown(point), shown(longest, this.stepsPerEpoch), longest.name));
  }

  #isBeyond(point: Stretch, end: Stretch, isIncluded: boolean): boolean {
    const epochs = point.epochs - end.epochs;
    // An epoch has one step at least: what is beyond then, and gets no nearer with more, is beyond.
    if (this.stepsPerEpoch === undefined && epochs < 0) return false;
    const over = point.steps - end.steps + epochs * (this.stepsPerEpoch ?? 1);
    return isIncluded ? over > 0 : over >= 0;
  }
}

const lengthOf = ({ steps, epochs = 0 }: Pick<PhaseSpec, 'steps' | 'epochs'>): Stretch =>
  steps === undefined ? { steps: 0, epochs } : { steps, epochs: 0 };

const intervalOf = ({ count, unit }: Interval): Stretch => lengthOf({ [unit]: count });

/** An interval of a schedule's field. */
function stretchOf(interval: Json): Stretch {
  const isEpochs = typeof interval === 'string' && interval.includes('epoch');
  return lengthOf({ [isEpochs ? 'epochs' : 'steps']: stepsOf(interval, { stepsPerEpoch: 1 }) });
}

function warmupOf(warmup: Json | undefined): Stretch {
  const { steps, epochs } = (warmup ?? {}) as Fields;
  return lengthOf(typeof steps === 'number' ? { steps } : { epochs: Number(epochs ?? 0) });
}

/** "50 steps", "3 epochs (60 steps)". */
function shown({ steps, epochs }: Stretch, stepsPerEpoch?: number): string {
  const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;
  const inEpochs = epochs > 0 ? [count(epochs, 'epoch')] : [];
  const written = [...inEpochs, ...(steps > 0 ? [count(steps, 'step')] : [])].join(' and ');
  if (epochs === 0 || stepsPerEpoch === undefined) return written;
  return `${written} (${count(steps + epochs * stepsPerEpoch, 'step')})`;
}
