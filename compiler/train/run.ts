/**
 * One training run from a Spec to its folder: opens data and runtime, compiles, starts fresh, from given weights or
 * from a checkpoint, trains, and leaves behind everything the run folder promises.
 */
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { stringify } from 'yaml';
import { checkLowered } from '../check';
import { InternalError, UsageError } from '../diagnostics/errors';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { missingSection, weightsMissing } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import type { Json, Spec, TrainSpec } from '../frontend/spec';
import { checkLengths } from '../lower/check_lengths';
import { formatShape } from '../lower/problems';
import { summarize } from '../lower/summary';
import { openRuntime, type NativeRuntime, type NativeSession, type RuntimeOptions } from '../native/runtime';
import { pictureOf } from '../picture/build';
import { folded } from '../picture/fold';
import { htmlOf } from '../picture/html';
import { plannedBytes, type Plan } from '../plan/plan';
import { VERSION } from '../version';
import { writeAtomically } from '../weights/atomic';
import { listCheckpoints, newestGoodCheckpoint, saveCheckpoint } from '../weights/checkpoints';
import { saveWeights } from '../weights/files';
import { loadStates } from '../weights/several';
import type { WeightsFrom } from '../weights/source';
import type { AccountLine } from '../weights/matching';
import { adaptLayers } from './adapt';
import { batchSizes, shapesIn } from './batching';
import { collectedShapes } from './collected';
import { EventFile } from './event-file';
import { openFeed, type Feed, type FeedOptions } from './feed';
import { tablesJson, type FigureTable } from './figure-tables';
import { MetricsLog, readMetrics, type MetricsLine } from './metrics-log';
import { compileModel, dataInputs, largestProgram, wholeSteps, type Executable } from './programs';
import { renderReport } from './report/report';
import { folderRecord } from './model-folder';
import { changesSince, checkContinues } from './resume';
import { learnedBefore } from './learned-before';
import { createRunFolder, newestRunFolder, openRunFolder, replaceFile, type RunFolder } from './run-folder';
import { lockRunFolder } from './run-lock';
import {
  checkpointOf,
  expectedSlots,
  expectedWeights,
  refuseNonFinite,
  resultOf,
  weightsOf,
  writeStates,
} from './states';
import { trainStateOf } from './train-state';
import { Trainer, trainSchedule, type Progress, type TrainOutcome } from './trainer';
import { weightsFor } from './weights-for';

export interface RunOptions {
  readonly seed?: number;
  readonly machine: RuntimeOptions;
  readonly runRoot: string;
  readonly runDir?: string;
  readonly resume: boolean;
  readonly weights?: WeightsFrom;
  readonly allowOutside: boolean;
  /** The command line, for run.json and the report. */
  readonly command: string;
}

export interface RunHooks {
  readonly onStart: (start: {
    readonly folder: RunFolder;
    readonly step: number;
    readonly totalSteps: number;
    readonly plannedBytes: number;
  }) => void;
  readonly onWarnings: (warnings: readonly Diagnostic[]) => void;
  /** What became of the tensors of a file that the model starts from. */
  readonly onWeights?: (file: string, account: readonly AccountLine[]) => void;
  readonly onData: NonNullable<FeedOptions['onProgress']>;
  readonly onProgress: (progress: Progress, totalSteps: number) => void;
  readonly onEvaluation: (line: MetricsLine, tables: readonly FigureTable[]) => void;
  readonly onEvaluationProgress: (done: number, total: number) => void;
  readonly onCheckpoint: (file: string, step: number) => void;
  readonly shouldStop: () => boolean;
}

export interface RunOutcome extends TrainOutcome {
  readonly folder: RunFolder;
}

export async function runTraining(spec: Spec, options: RunOptions, hooks: RunHooks): Promise<RunOutcome> {
  const { train } = spec;
  if (!train || !spec.data.train)
    throw new SpecError([missingSection(spec.at([]), train ? 'data.train' : 'train', 'train')]);
  const found = checkLowered(spec);
  if (found.some(({ severity }) => severity === 'error')) throw new SpecError(found);
  const seed = options.seed ?? train.seed;
  const began = Date.now();
  const runtime = openRuntime(options.machine);
  const learned = await learnedBefore(spec, options);
  const feedOptions = { allowOutside: options.allowOutside, seed, onProgress: hooks.onData, learned };
  const feed = await openFeed(spec, 'train', dataInputs(spec, 'train', train.batchSize), feedOptions);
  const evalFeed =
    spec.data.eval &&
    (await openFeed(spec, 'eval', dataInputs(spec, 'eval', train.evaluate.batchSize), {
      ...feedOptions,
      learned: feed.dataset.learned ?? {},
    }));
  const shapes = shapesIn(trainSchedule(train, feed.samples));
  const { plan, blob, uses } = compileModel(spec, {
    init: true,
    // Without a step there are initial weights all the same, and what is said of the training is said of its first step.
    train: shapes.length > 0 ? shapes : wholeSteps(spec, Math.min(train.batchSize, feed.samples)),
    eval: evalFeed ? batchSizes(evalFeed.samples, train.evaluate.batchSize) : [],
    averaged: true,
    device: runtime.device,
  });
  // Now that it is known how many steps an epoch has.
  const doubts = [...found.filter(({ code }) => code !== 'never-reached'), ...checkLengths(spec, train, feed.samples)];
  if (doubts.length > 0) hooks.onWarnings(doubts);
  const session = runtime.createSession(blob, plan);
  // Before the first step rather than at the first evaluation.
  if (evalFeed) collectedShapes(spec, session, evalFeed.samples, train.evaluate.batchSize);

  const folder = openFolder(spec, options);
  const unlock = lockRunFolder(folder.dir);
  try {
    const prepared = { spec, train, seed, began, runtime, feed, evalFeed, plan, session, uses };
    return await trainIn(folder, prepared, options, hooks);
  } finally {
    unlock();
  }
}

/** What a run needs before it has a folder: a model that is at fault leaves none behind. */
interface Prepared {
  readonly spec: Spec;
  readonly train: TrainSpec;
  readonly seed: number;
  readonly began: number;
  readonly runtime: NativeRuntime;
  readonly feed: Feed;
  readonly evalFeed: Feed | undefined;
  readonly plan: Plan;
  readonly session: NativeSession;
  readonly uses: Executable['uses'];
}

async function trainIn(
  folder: RunFolder,
  { spec, train, seed, began, runtime, feed, evalFeed, plan, session, uses }: Prepared,
  options: RunOptions,
  hooks: RunHooks,
): Promise<RunOutcome> {
  const resumed = options.resume ? await findCheckpoint(folder, plan, train, hooks) : undefined;
  if (resumed) {
    checkContinues(folder.dir, resumed.state, { seed, batchSize: train.batchSize, samples: feed.samples });
    const changes = changesSince(resumed.content.spec, spec);
    if (changes.length > 0) hooks.onWarnings(changes);
    writeStates(session, plan, resumed.content.tensors);
    writeStates(session, plan, resumed.content.optimizer);
  } else {
    const drawn = await session.run('init', 1, { rng: BigInt64Array.of(BigInt(seed), 0n) });
    if (!drawn.ok) throw new InternalError(`drawing the initial weights failed: ${drawn.message}`);
    await adaptLayers(spec, session, feed, hooks.onData);
    const { allowOutside } = options;
    const weights = weightsFor(spec, options.weights, { allowOutside, onLoaded: hooks.onWeights });
    writeStates(session, plan, await loadStates(weights, expectedWeights(plan)));
  }

  const learned = feed.dataset.learned ? { learned: feed.dataset.learned } : {};
  const step = resumed?.state.step ?? 0;
  const { totalSteps } = trainSchedule(train, feed.samples);
  const program = largestProgram(plan, 'train');
  replaceFile(folder.model, stringify(spec.resolved));
  const info = {
    ...describeRun(options, seed, runtime.describe(), plannedBytes(plan, program)),
    model_folder: folderRecord(spec, folder.dir),
  };
  const writeInfo = (status: string, more: object = {}): void => {
    replaceFile(
      folder.info,
      `${JSON.stringify({ ...info, started: new Date(began).toISOString(), status, ...more }, null, 2)}\n`,
    );
  };
  writeInfo('running');
  const events = new EventFile(folder.dir, new Date(began));

  const trainer = new Trainer(
    { spec, train, session, uses, feed, evalFeed, seed, resume: resumed?.state },
    {
      onMetrics: (lines) => {
        log.append(lines);
        const now = new Date();
        for (const line of lines) events.append(now, line.step, scalarsOf(line));
      },
      onProgress: (progress) => hooks.onProgress(progress, totalSteps),
      onEvaluation: hooks.onEvaluation,
      onEvaluationProgress: hooks.onEvaluationProgress,
      saveCheckpoint: async (state) => {
        const content = { ...checkpointOf(spec, plan, session, { ...state } as unknown as Json), ...learned };
        refuseNonFinite(spec, content, state.step);
        hooks.onCheckpoint(
          await saveCheckpoint(folder.checkpoints, state.step, content, { keep: train.checkpoint.keep }),
          state.step,
        );
      },
      saveBest: async () => {
        const content = { ...resultOf(spec, plan, session), ...learned };
        refuseNonFinite(spec, content, trainer.step);
        await saveWeights(folder.best, content);
      },
      shouldStop: hooks.shouldStop,
    },
  );
  // The evaluation at the end is made anew where the end is all that is left.
  const isEnd = trainer.isOver;
  const log = new MetricsLog(folder.metrics, (line) =>
    isEnd && line.split === 'eval' ? line.step < step : line.step <= step,
  );
  hooks.onStart({ folder, step, totalSteps, plannedBytes: plannedBytes(plan, program) });
  try {
    const outcome = await trainer.run();
    if (outcome.status === 'finished') {
      if (train.checkpoint.restoreBest && outcome.best) await copyWhole(folder.best, folder.weights);
      // Before the first step there is no average.
      else {
        const content = (outcome.step > 0 ? resultOf : weightsOf)(spec, plan, session);
        await saveWeights(folder.weights, { ...content, ...learned });
      }
      const seconds = (Date.now() - began) / 1000;
      const tables = outcome.evaluation?.tables ?? [];
      replaceFile(folder.report, await report(spec, options.command, seconds, folder, plan, program, tables));
    }
    writeInfo(outcome.status, {
      finished: new Date().toISOString(),
      step: outcome.step,
      evaluation: outcome.evaluation?.figures,
      ...tablesOf(outcome),
    });
    return { ...outcome, folder };
  } catch (error) {
    try {
      const message = error instanceof Error ? error.message : String(error);
      writeInfo('failed', { finished: new Date().toISOString(), error: message });
    } catch {
      // Where the disk is full this fails too; what failed first is what has to be said.
    }
    throw error;
  } finally {
    log.close();
    events.close();
    feed.close();
    evalFeed?.close();
    session.close();
  }
}

function openFolder(spec: Spec, options: RunOptions): RunFolder {
  if (options.runDir !== undefined) {
    const folder = openRunFolder(options.runDir);
    if (!options.resume && (existsSync(folder.weights) || listCheckpoints(folder.checkpoints).length > 0)) {
      throw new UsageError(`${options.runDir} holds a run already`, 'go on with --resume, or choose another folder');
    }
    // A run keeps the model as it was trained in that place.
    if (existsSync(folder.model) && !existsSync(folder.info)) {
      throw new UsageError(`${folder.model} would be overwritten`, 'choose another folder with --run-dir');
    }
    return folder;
  }
  const newest = options.resume ? newestRunFolder(options.runRoot, spec.name) : undefined;
  return newest ?? createRunFolder(options.runRoot, spec.name, new Date());
}

async function findCheckpoint(folder: RunFolder, plan: Plan, train: TrainSpec, hooks: RunHooks) {
  const { found, warnings } = await newestGoodCheckpoint(folder.checkpoints, {
    expected: expectedWeights(plan),
    expectedSlots: expectedSlots(plan),
  });
  if (warnings.length > 0) hooks.onWarnings(warnings);
  if (!found) return undefined;
  const state = trainStateOf(found.path, found.content.state, train);
  if (!state.best || existsSync(folder.best)) return { content: found.content, state };
  // Evaluations from here on are compared with each other.
  const lost = weightsMissing({ file: folder.best, line: 1, column: 1, length: 1 }, folder.best);
  hooks.onWarnings([{ ...lost, severity: 'warning' }]);
  return { content: found.content, state: { ...state, best: undefined } };
}

/** What a run's last evaluation says of each class. */
function tablesOf({ evaluation }: TrainOutcome): object {
  return evaluation && evaluation.tables.length > 0 ? { tables: tablesJson(evaluation.tables) } : {};
}

/** As a whole or not at all. */
async function copyWhole(from: string, to: string): Promise<void> {
  await writeAtomically(to, (temporary) => copyFile(from, temporary));
}

function scalarsOf(line: MetricsLine): Record<string, number> {
  const numbers = Object.entries(line).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return Object.fromEntries(
    numbers.filter(([name]) => name !== 'step').map(([name, value]) => [`${name}/${line.split}`, value]),
  );
}

function describeRun(options: RunOptions, seed: number, runtime: object, planned: number): object {
  return {
    dlc: VERSION,
    node: process.version,
    command: options.command,
    seed,
    machine: {
      cpu: cpus()[0]?.model,
      cores: cpus().length,
      memory: totalmem(),
      platform: `${process.platform}-${process.arch}`,
    },
    runtime,
    planned_bytes: planned,
  };
}

async function report(
  spec: Spec,
  command: string,
  seconds: number,
  folder: RunFolder,
  plan: Plan,
  program: Plan['programs'][number],
  tables: readonly FigureTable[],
): Promise<string> {
  const layers = summarize(spec, Number(program.name.split('@')[1])).layers;
  return renderReport({
    name: spec.name,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    command,
    seconds,
    metrics: readMetrics(folder.metrics),
    tables,
    graph: await htmlOf(folded(pictureOf(spec))),
    layers: layers.map((layer) => ({ ...layer, outputs: layer.outputs.map(formatShape).join(' ') })),
    plan,
    program,
  });
}
