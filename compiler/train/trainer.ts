/**
 * The training loop. Decides when steps run, when the model is evaluated and when a checkpoint is written; what a step
 * computes is in the plan, where samples come from is the feed's, what files look like is the run folder's.
 * Everything that a resumed run needs is the step number, the states and the accumulators of the running epoch.
 */
import { dataValue } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import type { Interval, Spec, TrainSpec } from '../frontend/spec';
import type { ScheduleState } from '../lower/learning_rate';
import type { OptimizerUse } from '../lower/uses';
import type { NativeSession, RunFailure, Tensors } from '../native/runtime';
import { chunkAt, isDue, kindAt, nextDue, scheduleOf, type Chunk, type Schedule } from './batching';
import { Best, EarlyStop } from './watch';
import { evaluate } from './evaluate';
import type { FigureTable } from './figure-tables';
import type { Feed } from './feed';
import { Accumulators, isStepFigure, stepFigures, type Evaluation } from './figures';
import { hyperInputs } from './hyper';
import { nonFiniteIn } from './non-finite';
import type { MetricsLine } from './metrics-log';
import { trainProgramName } from './programs';
import { afterSchedules, initialSchedules } from './schedules';
import { sliceSteps } from './slices';
import type { TrainState } from './train-state';

/** Steps of one native call: enough to make the call's cost vanish, few enough to stay responsive. */
const CALL_MS = 60;
const MAX_STEPS = 256;
const MAX_CALL_BYTES = 16 << 20;

export interface Progress {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly lr: number;
  readonly samplesPerSecond: number;
  readonly secondsLeft: number;
}

export interface TrainHooks {
  /** A line for metrics.jsonl and the event file; called in order of steps. */
  readonly onMetrics: (lines: readonly MetricsLine[]) => void;
  readonly onProgress: (progress: Progress) => void;
  readonly onEvaluation: (line: MetricsLine, tables: readonly FigureTable[]) => void;
  readonly onEvaluationProgress: (done: number, total: number) => void;
  readonly saveCheckpoint: (state: TrainState) => Promise<void>;
  /** The evaluation just made is the best one so far. */
  readonly saveBest: () => Promise<void>;
  /** Asked between calls; true ends the run after a checkpoint. */
  readonly shouldStop: () => boolean;
}

export interface TrainInput {
  readonly spec: Spec;
  readonly train: TrainSpec;
  readonly session: NativeSession;
  /** Of each training program. */
  readonly uses: Readonly<Record<string, readonly OptimizerUse[]>>;
  readonly feed: Feed;
  readonly evalFeed?: Feed | undefined;
  readonly seed: number;
  readonly resume?: TrainState | undefined;
}

export interface TrainOutcome {
  readonly status: 'finished' | 'interrupted';
  readonly step: number;
  readonly totalSteps: number;
  readonly evaluation?: Evaluation;
  /** Mean over the last epoch, as far as it went; absent before the first step. */
  readonly training?: Readonly<Record<string, number>>;
  /** Evaluations got no better, and the training ended before its last step. */
  readonly stoppedEarly: boolean;
  /** The best evaluation, where the training keeps one. */
  readonly best?: { readonly step: number; readonly figures: Record<string, number> };
}

const DEFAULT_CHECKPOINT = { count: 1, unit: 'epochs' } as const;

export function trainSchedule(train: TrainSpec, samples: number): Schedule {
  const { steps, epochs = 1, phases, objectives } = train;
  const periods = objectives.length === 0 ? [1] : objectives.map(({ every }) => every);
  return scheduleOf(samples, train.batchSize, { steps, epochs, phases, periods });
}

export class Trainer {
  readonly schedule: Schedule;
  readonly #epochSums = new Accumulators();
  #step: number;
  #limit = 1;
  #lastCheckpoint: { readonly step: number; readonly at: number };
  #evaluation: (Evaluation & { readonly step: number }) | undefined;
  #evaluatedAt = Date.now();
  #msPerStep = 0;
  #schedules: readonly ScheduleState[];
  readonly #stop: EarlyStop | undefined;
  readonly #best: Best | undefined;

  constructor(
    private readonly input: TrainInput,
    private readonly hooks: TrainHooks,
  ) {
    this.schedule = trainSchedule(input.train, input.feed.samples);
    this.#step = input.resume?.step ?? 0;
    this.#lastCheckpoint = { step: this.#step, at: Date.now() };
    if (input.resume) this.#epochSums.restore(input.resume.accumulators);
    const { spec, train, resume } = input;
    this.#schedules = resume?.schedules ?? initialSchedules(train);
    this.#stop = train.stop && new EarlyStop(spec, train.stop, resume?.stop);
    const { best } = train.checkpoint;
    this.#best = best === undefined ? undefined : new Best(spec, best, resume?.best);
  }

  /** Whether no step is left. */
  get isOver(): boolean {
    return this.#step >= this.schedule.totalSteps || this.#stop?.isOver === true;
  }

  /** Finished steps. */
  get step(): number {
    return this.#step;
  }

  async run(): Promise<TrainOutcome> {
    const { totalSteps } = this.schedule;
    let chunk = this.isOver ? undefined : this.#chunk(this.#step);
    let next = chunk && this.#read(chunk);
    while (chunk && next) {
      if (this.hooks.shouldStop()) {
        await next;
        return this.#interrupted();
      }
      // Schedules may go by the evaluation that came between, so their numbers are the last to be known.
      const inputs = { ...(await next), ...this.#scalars(chunk) };
      const began = performance.now();
      const running = this.input.session.run(this.#program(chunk), chunk.steps, inputs);
      const following = this.#chunk(chunk.first + chunk.steps);
      // Read while the call runs. Its failure is looked at when it is awaited.
      next = following && this.#read(following);
      next?.catch(() => undefined);
      const result = await running;
      const ms = performance.now() - began;
      if (!result.ok) {
        const { done } = result;
        // What was computed before is not lost.
        if (done > 0)
          this.#record({ ...chunk, steps: done }, inputs, sliceSteps(result.outputs, 0, done, chunk.steps), ms);
        await this.#fail(chunk, inputs, result);
      }
      this.#record(chunk, inputs, result.outputs, ms);
      await this.#betweenSteps();
      chunk = following;
      if (this.#stop?.isOver === true) {
        await next?.catch(() => undefined);
        break;
      }
    }
    await this.#finish();
    const best = this.#best?.found;
    return {
      status: 'finished',
      step: this.#step,
      totalSteps,
      stoppedEarly: this.#step < totalSteps,
      ...(this.#evaluation ? { evaluation: this.#evaluation } : {}),
      ...(this.#step > 0 ? { training: this.#epochSums.figures(this.input.spec) } : {}),
      ...(best ? { best } : {}),
    };
  }

  #chunk(first: number): Chunk | undefined {
    const { schedule } = this;
    const { train, feed } = this.input;
    if (first >= schedule.totalSteps) return undefined;
    const fits = Math.max(1, Math.floor(MAX_CALL_BYTES / (feed.sampleBytes * schedule.batchSize)));
    const stops = [train.checkpoint.every ?? DEFAULT_CHECKPOINT, train.evaluate.every].map((interval) =>
      nextDue(interval, first, schedule.stepsPerEpoch),
    );
    return chunkAt(schedule, first, Math.min(this.#limit, fits), stops);
  }

  #program(chunk: Chunk): string {
    return trainProgramName(chunk, this.input.train.objectives.length);
  }

  #read(chunk: Chunk): Promise<Tensors> {
    return this.input.feed.read(chunk.epoch, chunk.position, chunk.batch * chunk.steps, true);
  }

  #scalars(chunk: Chunk): ReturnType<typeof hyperInputs> {
    const { train, seed, uses } = this.input;
    return hyperInputs(train, uses[this.#program(chunk)] ?? [], this.schedule, chunk, seed, this.#schedules);
  }

  #record(chunk: Chunk, inputs: Tensors, outputs: Tensors, ms: number): void {
    const lr = inputs['lr'] as Float32Array;
    const values = outputs as Readonly<Record<string, Float32Array>>;
    const lines: MetricsLine[] = [];
    const phase = this.input.train.phases[chunk.kind.phase];
    const inEpoch = chunk.first % this.schedule.stepsPerEpoch;
    if (inEpoch === 0) this.#epochSums.clear();
    for (let i = 0; i < chunk.steps; i++) {
      this.#epochSums.add(values, i, chunk.steps);
      const figures = stepFigures(this.input.spec, values, i, chunk.steps);
      // The loss that was optimized, to the bit, rather than one put together again from its parts.
      const loss = values['loss']![i]!;
      const own = Object.entries(values).filter(([name]) => isStepFigure(name));
      lines.push({
        step: chunk.first + i + 1,
        epoch: chunk.epoch + 1,
        ...(phase ? { phase: phase.name } : {}),
        split: 'train',
        ...figures,
        loss,
        ...Object.fromEntries(own.map(([name, figure]) => [name, figure[i]!])),
        lr: lr[i]!,
      });
    }
    this.#step = chunk.first + chunk.steps;
    this.#msPerStep = this.#msPerStep === 0 ? ms / chunk.steps : 0.8 * this.#msPerStep + (0.2 * ms) / chunk.steps;
    this.#limit = Math.min(MAX_STEPS, Math.max(1, Math.round(CALL_MS / this.#msPerStep)));
    this.hooks.onMetrics(lines);
    this.hooks.onProgress({
      step: this.#step,
      epoch: chunk.epoch + 1,
      loss: lines.at(-1)!.loss,
      lr: lr[chunk.steps - 1]!,
      samplesPerSecond: (chunk.batch * 1000) / this.#msPerStep,
      secondsLeft: ((this.schedule.totalSteps - this.#step) * this.#msPerStep) / 1000,
    });
  }

  /** Evaluation and checkpoint, where one is due after the current step. */
  async #betweenSteps(): Promise<void> {
    const { train } = this.input;
    const { stepsPerEpoch } = this.schedule;
    const due = (every: Interval, last: number): boolean =>
      isDue(every, this.#step, stepsPerEpoch, (Date.now() - last) / 60_000);
    if (due(train.evaluate.every, this.#evaluatedAt)) await this.#evaluate();
    const every = train.checkpoint.every ?? DEFAULT_CHECKPOINT;
    if (due(every, this.#lastCheckpoint.at) && this.#step > this.#lastCheckpoint.step) await this.#checkpoint();
  }

  async #evaluate(): Promise<void> {
    const { spec, session, evalFeed, train } = this.input;
    if (!evalFeed || this.#evaluation?.step === this.#step) return;
    const evaluation = await evaluate(spec, session, evalFeed, {
      batchSize: train.evaluate.batchSize,
      onProgress: this.hooks.onEvaluationProgress,
    });
    const { figures } = evaluation;
    this.#evaluation = { ...evaluation, step: this.#step };
    this.#evaluatedAt = Date.now();
    const epoch = Math.ceil(this.#step / this.schedule.stepsPerEpoch);
    const line: MetricsLine = { step: this.#step, epoch, split: 'eval', ...figures, loss: figures['loss']! };
    this.hooks.onMetrics([line]);
    this.hooks.onEvaluation(line, evaluation.tables);
    const { phase } = kindAt(this.schedule, this.#step - 1);
    this.#schedules = afterSchedules(spec, train, this.#schedules, phase, figures);
    this.#stop?.see(figures);
    if (this.#best?.see(this.#step, figures) === true) await this.hooks.saveBest();
  }

  async #checkpoint(): Promise<void> {
    await this.hooks.saveCheckpoint({
      step: this.#step,
      epoch: Math.floor(this.#step / this.schedule.stepsPerEpoch),
      seed: this.input.seed,
      batchSize: this.schedule.batchSize,
      samples: this.schedule.samples,
      accumulators: this.#epochSums.toJSON(),
      schedules: this.#schedules,
      ...(this.#stop ? { stop: this.#stop.state } : {}),
      ...(this.#best ? { best: this.#best.found } : {}),
    });
    this.#lastCheckpoint = { step: this.#step, at: Date.now() };
  }

  async #interrupted(): Promise<TrainOutcome> {
    if (this.#step > this.#lastCheckpoint.step || this.#step === 0) await this.#checkpoint();
    const { totalSteps } = this.schedule;
    return { status: 'interrupted', step: this.#step, totalSteps, stoppedEarly: false };
  }

  async #finish(): Promise<void> {
    if (this.#step === 0) return;
    await this.#evaluate();
    if (this.#step > this.#lastCheckpoint.step) await this.#checkpoint();
  }

  /** Finds the layer that a failed step came to grief in, and says so at its place in the model file. */
  async #fail(chunk: Chunk, inputs: Tensors, failure: RunFailure): Promise<never> {
    const { spec, session } = this.input;
    const when = `step ${chunk.first + failure.step + 1}`;
    if (failure.kind === 'data-error') {
      const origin = failure.origin ?? spec.origin;
      throw new SpecError([dataValue(origin.at, failure.message, when)]);
    }
    const program = this.#program(chunk);
    const traced = await session.trace(program, sliceSteps(inputs, failure.step, failure.step + 1, chunk.steps));
    const found = traced.ok ? failure : traced;
    throw new SpecError([nonFiniteIn(spec, { origin: failure.origin, ...found }, when)]);
  }
}
