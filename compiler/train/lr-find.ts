/**
 * The learning-rate range test: some training steps, each at a higher rate than the one before, until the loss comes
 * apart. The programs are those of a training whose schedule is constant, so that every optimizer, objective and
 * accumulation works as in training; the weights live in a session of their own and no file is written.
 */
import { dataValue, missingSection } from '../diagnostics/catalogue';
import { InternalError, SpecError } from '../diagnostics/errors';
import type { Json, SectionSpec, Spec, TrainSpec } from '../frontend/spec';
import { numberOf } from '../layers/fields';
import { withDefaults } from '../lower/defaults';
import { optimizerOf } from '../lower/updates';
import type { OptimizerUse } from '../lower/uses';
import { openRuntime, type NativeSession, type RunFailure, type RuntimeOptions, type Tensors } from '../native/runtime';
import { learnedOf, loadStates } from '../weights/several';
import type { AccountLine } from '../weights/matching';
import type { WeightsFrom } from '../weights/source';
import { nonFiniteIn } from './non-finite';
import { chunkAt, shapesIn } from './batching';
import { openFeed, type FeedOptions } from './feed';
import { hyperInputs } from './hyper';
import { rates, Smoothed, suggest, type RangePoint, type Suggestions } from './lr-suggest';
import { compileModel, dataInputs, trainProgramName } from './programs';
import { initialSchedules } from './schedules';
import { expectedWeights, writeStates } from './states';
import { trainSchedule } from './trainer';
import { weightsFor } from './weights-for';

export interface RangeOptions {
  readonly from: number;
  readonly to: number;
  readonly steps: number;
  /** The test ends where the smoothed loss is so many times its best. */
  readonly stopAt: number;
  readonly seed?: number;
  readonly weights?: WeightsFrom;
  readonly allowOutside: boolean;
  readonly machine: RuntimeOptions;
}

export interface RangeHooks {
  readonly onData: NonNullable<FeedOptions['onProgress']>;
  /** What became of the tensors of the weight files that the model names. */
  readonly onWeights?: (file: string, account: readonly AccountLine[]) => void;
  readonly onStep: (point: RangePoint) => void;
  readonly shouldStop: () => boolean;
}

export interface RangeOutcome {
  readonly points: readonly RangePoint[];
  readonly ended: 'complete' | 'diverged' | 'interrupted';
  /** Absent where there are too few points. */
  readonly suggestions?: Suggestions;
}

export async function findLearningRate(spec: Spec, options: RangeOptions, hooks: RangeHooks): Promise<RangeOutcome> {
  if (!spec.train || !spec.data.train) {
    throw new SpecError([missingSection(spec.at([]), spec.train ? 'data.train' : 'train', 'train')]);
  }
  const train = constantRate(spec.train, options.steps);
  const tested: Spec = { ...spec, train };
  const seed = options.seed ?? train.seed;
  const runtime = openRuntime(options.machine);
  const { allowOutside } = options;
  const weights = weightsFor(spec, options.weights, { allowOutside, onLoaded: hooks.onWeights });
  const feed = await openFeed(tested, 'train', dataInputs(tested, 'train', train.batchSize), {
    allowOutside: options.allowOutside,
    seed,
    onProgress: hooks.onData,
    learned: await learnedOf(weights),
  });
  try {
    const schedule = trainSchedule(train, feed.samples);
    const { plan, blob, uses } = compileModel(tested, {
      init: true,
      train: shapesIn(schedule),
      device: runtime.device,
    });
    const session = runtime.createSession(blob, plan);
    try {
      const drawn = await session.run('init', 1, { rng: BigInt64Array.of(BigInt(seed), 0n) });
      if (!drawn.ok) throw new InternalError(`drawing the initial weights failed: ${drawn.message}`);
      writeStates(session, plan, await loadStates(weights, expectedWeights(plan)));
      const step = async (index: number, lr: number): Promise<number | undefined> => {
        const chunk = chunkAt(schedule, index, 1, []);
        const program = trainProgramName(chunk, train.objectives.length);
        const at = (uses[program] ?? []).map((use) => withRate(use, lr, train));
        const scalars = hyperInputs(train, at, schedule, chunk, seed, initialSchedules(train));
        const inputs = { ...(await feed.read(chunk.epoch, chunk.position, chunk.batch, true)), ...scalars };
        const result = await session.run(program, 1, inputs);
        if (result.ok) return (result.outputs['loss'] as Float32Array)[0];
        if (result.kind !== 'non-finite' || index === 0) await fail(tested, session, program, inputs, result, index);
        return undefined;
      };
      return await walk(step, options, hooks);
    } finally {
      session.close();
    }
  } finally {
    feed.close();
  }
}

async function walk(
  step: (index: number, lr: number) => Promise<number | undefined>,
  { from, to, steps, stopAt }: RangeOptions,
  hooks: RangeHooks,
): Promise<RangeOutcome> {
  const points: RangePoint[] = [];
  const average = new Smoothed();
  let ended: RangeOutcome['ended'] = 'complete';
  for (const [index, lr] of rates(from, to, steps).entries()) {
    if (hooks.shouldStop()) {
      ended = 'interrupted';
      break;
    }
    const loss = await step(index, lr);
    if (loss === undefined || !Number.isFinite(loss)) {
      ended = 'diverged';
      break;
    }
    const point = { step: index + 1, lr, loss, smoothed: average.see(loss) };
    points.push(point);
    hooks.onStep(point);
    if (average.diverges(point.smoothed, stopAt)) {
      ended = 'diverged';
      break;
    }
  }
  const suggestions = ended === 'interrupted' ? undefined : suggest(points, steps);
  return { points, ended, ...(suggestions ? { suggestions } : {}) };
}

/** The training of the test: its first phase alone, every learning rate without a schedule. */
function constantRate(train: TrainSpec, steps: number): TrainSpec {
  const still = <T extends { readonly schedule: SectionSpec }>(setup: T): T => ({
    ...setup,
    schedule: { ...setup.schedule, type: 'constant', fields: {} },
  });
  const phases = train.phases.slice(0, 1).map((phase) => ({ ...still(phase), steps }));
  return { ...still(train), steps, phases, objectives: train.objectives.map(still) };
}

/** The optimizer that the rates of the test are meant for; the others keep their ratio to it. */
function mainOptimizer({ optimizer, phases, objectives }: TrainSpec): SectionSpec {
  return objectives[0]?.optimizer ?? phases[0]?.optimizer ?? optimizer;
}

function rateOf(section: SectionSpec): number {
  return numberOf(withDefaults(optimizerOf(section), section.fields), 'lr');
}

function withRate(use: OptimizerUse, lr: number, train: TrainSpec): OptimizerUse {
  const { optimizer } = use.setup;
  const main = rateOf(mainOptimizer(train));
  const own = main > 0 ? (lr * rateOf(optimizer)) / main : lr;
  const fields: Record<string, Json> = { ...optimizer.fields, lr: own };
  return { ...use, setup: { ...use.setup, optimizer: { ...optimizer, fields } } };
}

/** What training would say of a first step that fails. */
async function fail(
  spec: Spec,
  session: NativeSession,
  program: string,
  inputs: Tensors,
  failure: RunFailure,
  index: number,
): Promise<never> {
  const when = `step ${index + 1}`;
  const at = (failure.origin ?? spec.origin).at;
  if (failure.kind === 'data-error') throw new SpecError([dataValue(at, failure.message, when)]);
  const traced = await session.trace(program, inputs);
  const found = traced.ok ? failure : traced;
  throw new SpecError([nonFiniteIn(spec, { origin: failure.origin, ...found }, when)]);
}
