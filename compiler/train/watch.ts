/**
 * What watches a figure of the evaluations: ending the training when it gets no better, and keeping the weights of the
 * best one. Their states go into checkpoints.
 */
import type { Fields, Json, Spec, StopSpec } from '../frontend/spec';
import { betterOf } from '../metrics/lookup';

export type Figures = Readonly<Record<string, number>>;

export interface StopState {
  /** The best figure so far; absent before the first evaluation. */
  readonly best?: number;
  /** Evaluations in a row that were no better. */
  readonly waited: number;
}

export interface BestState {
  readonly step: number;
  readonly figures: Record<string, number>;
}

const modeOf = (spec: Spec, figure: string): 'min' | 'max' => (betterOf(spec, figure) === 'higher' ? 'max' : 'min');

/** By how much `value` is better; a figure that is no number is never the best. */
function gain(mode: 'min' | 'max', value: number | undefined, than: number | undefined): number {
  if (value === undefined || !Number.isFinite(value)) return -Infinity;
  if (than === undefined) return Infinity;
  return mode === 'max' ? value - than : than - value;
}

const isRecord = (value: Json | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCount = (value: Json | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** What a checkpoint file says, checked: the file may be anybody's. */
export function stopStateOf(saved: Json | undefined): StopState | undefined {
  if (!isRecord(saved) || !isCount(saved['waited'])) return undefined;
  const { best, waited } = saved;
  return typeof best === 'number' ? { best, waited } : { waited };
}

export function bestStateOf(saved: Json | undefined): BestState | undefined {
  if (!isRecord(saved) || !isCount(saved['step']) || !isRecord(saved['figures'])) return undefined;
  const numbers = Object.entries(saved['figures']).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return { step: saved['step'], figures: Object.fromEntries(numbers) };
}

export class EarlyStop {
  readonly #mode: 'min' | 'max';
  #state: StopState;

  constructor(
    spec: Spec,
    private readonly stop: StopSpec,
    resumed: StopState = { waited: 0 },
  ) {
    this.#mode = stop.mode ?? modeOf(spec, stop.metric);
    this.#state = resumed;
  }

  get state(): StopState {
    return this.#state;
  }

  get isOver(): boolean {
    return this.#state.waited > this.stop.patience;
  }

  see(figures: Figures): void {
    const value = figures[this.stop.metric];
    const { best, waited } = this.#state;
    const improved = value !== undefined && gain(this.#mode, value, best) > this.stop.minDelta;
    this.#state = improved ? { best: value, waited: 0 } : { ...this.#state, waited: waited + 1 };
  }
}

export class Best {
  readonly #mode: 'min' | 'max';
  #found: BestState | undefined;

  constructor(
    spec: Spec,
    private readonly figure: string,
    resumed: BestState | undefined,
  ) {
    this.#mode = modeOf(spec, figure);
    this.#found = resumed;
  }

  get found(): BestState | undefined {
    return this.#found;
  }

  /** True where this is the best evaluation so far. */
  see(step: number, figures: Figures): boolean {
    const best = this.#found?.figures[this.figure];
    if (!(gain(this.#mode, figures[this.figure], best) > 0)) return false;
    this.#found = { step, figures: { ...figures } };
    return true;
  }
}
