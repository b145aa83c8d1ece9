/**
 * Trains a model natively on noise, as the training loop does: steps by their kinds, cut into calls. Leaves a hash of
 * everything that was computed, by name, so that two ways to run it can be compared and a difference says where it is.
 */
import { createHash } from 'node:crypto';
import type { Device } from '../../compiler/device';
import { InternalError } from '../../compiler/diagnostics/errors';
import { loadSpec } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import { openRuntime, type NativeSession, type PortType, type Tensors } from '../../compiler/native/runtime';
import { allocateTensor, type TensorData } from '../../compiler/native/tensors';
import { plannedBytes } from '../../compiler/plan/plan';
import { chunkAt, shapesIn, type Schedule, type Span } from '../../compiler/train/batching';
import { hyperInputs } from '../../compiler/train/hyper';
import { compileModel, programName, trainProgramName, type Executable } from '../../compiler/train/programs';
import { sliceSteps } from '../../compiler/train/slices';
import { trainSchedule } from '../../compiler/train/trainer';
import { generator } from './samples';

export const SEED = 7;
const STEPS_PER_EPOCH = 8;
/** On noise, with few samples, some models run away at the rate of their file. */
const RATE = 'train.optimizer.lr=0.001';

export interface NoiseTraining extends Executable {
  readonly spec: Spec;
  readonly schedule: Schedule;
  /** What the largest of its programs takes. */
  readonly bytes: number;
}

export interface NoiseOptions {
  /** Samples of a step; two parts of half as many where the model accumulates. */
  readonly batch: number;
  readonly steps: number;
  readonly overrides?: readonly string[] | undefined;
  /** What it is compiled for; it runs on the CPU all the same. */
  readonly device?: Device;
}

/** Compiles so many steps of the model in that file, and its evaluation and prediction. */
export function noiseTraining(file: string, options: NoiseOptions): NoiseTraining {
  const { batch, steps, overrides = [], device = 'cpu' } = options;
  const parts = Math.min(2, loadSpec(file).train?.accumulate ?? 1);
  const spec = loadSpec(file, {
    overrides: [...overrides, RATE, `train.batch_size=${batch}`, `train.accumulate=${parts}`],
  });
  const { train } = spec;
  if (!train) throw new InternalError(`${spec.name} is not trained`);
  const schedule = trainSchedule({ ...train, steps }, STEPS_PER_EPOCH * batch);
  const compiled = compileModel(spec, {
    init: true,
    train: shapesIn(schedule),
    eval: [batch],
    predict: [batch],
    device,
  });
  const bytes = Math.max(...compiled.plan.programs.map((program) => plannedBytes(compiled.plan, program)));
  return { ...compiled, spec, schedule, bytes };
}

/** How the same steps are run. */
export interface Way {
  readonly threads: number;
  /** The most steps of one native call. */
  readonly call: number;
  /** Midway another session takes over all states, as from a checkpoint, with one thread more. */
  readonly restarts?: boolean;
}

/** Ways that must not differ by a byte, the plainest first. */
export const WAYS: readonly [Way, ...Way[]] = [
  { threads: 1, call: 20 },
  { threads: 2, call: 1 },
  { threads: 3, call: 7, restarts: true },
  { threads: 4, call: 20 },
  { threads: 8, call: 3 },
];

/** Hashes by name: `step 3: loss`, `after: conv1/weight`, `predict: probs`. */
export interface Digests {
  /** `FINISHED`, or where it stopped and why. */
  readonly end: string;
  readonly [name: string]: string;
}

export const FINISHED = 'finished';

const hashOf = (data: TensorData): string =>
  createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('base64');

/** Whole numbers that inputs of that name have, up to the second; others are 0 and 1, classes of any model. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  ...Object.fromEntries(
    ['tokens', 'hidden_tokens', 'next', 'words', 'source', 'written', 'target'].map((name) => [name, [0, 50]]),
  ),
  // In transcripts 0 is the blank.
  ...{ text: [1, 29], length: [0, 41], samples: [400, 6400], user: [0, 900], item: [0, 900], crossed: [0, 900] },
};

/** What a step is given, numbers in [0, 1) or whole ones: it follows from the step alone. */
export function feedOf(port: PortType, index: number, first: number, steps: number): TensorData {
  const data = allocateTensor(port, steps);
  const size = data.length / steps;
  const [low, end] = RANGES[port.name] ?? [0, 2];
  for (let step = 0; step < steps; step++) {
    const random = generator(1_000_003 * (first + step) + 101 * index + SEED);
    for (let i = step * size; i < (step + 1) * size; i++) {
      const whole = low + Math.floor((end - low) * random());
      if (data instanceof BigInt64Array) data[i] = BigInt(whole);
      else data[i] = data instanceof Float32Array ? random() : whole;
    }
  }
  return data;
}

/** Trains in that way, evaluates and predicts; a loss that is not finite stops it, at the same step in all ways. */
export async function digestsOf(training: NoiseTraining, way: Way): Promise<Digests> {
  const { spec, schedule, plan, blob, uses } = training;
  const digests: Record<string, string> = {};
  let session = openRuntime({ threads: way.threads }).createSession(blob, plan);

  /** Gives why it stopped, where it did. */
  const run = async (program: string, { first, steps }: Span, given: Tensors, as: (i: number) => string) => {
    const feeds = session.program(program).inputs.map((port, index) => {
      return [port.name, given[port.name] ?? feedOf(port, index, first, steps)] as const;
    });
    const result = await session.run(program, steps, Object.fromEntries(feeds));
    for (let i = 0; i < result.done; i++) {
      const outputs = sliceSteps(result.outputs, i, i + 1, steps);
      for (const [name, data] of Object.entries(outputs)) digests[`${as(i)}: ${name}`] = hashOf(data);
    }
    return result.ok ? undefined : `${as(result.step)}: ${result.message}`;
  };
  const train = async (from: number, to: number): Promise<string | undefined> => {
    for (let first = from; first < to;) {
      const chunk = chunkAt(schedule, first, way.call, [to]);
      const program = trainProgramName(chunk, spec.train!.objectives.length);
      const scalars = hyperInputs(spec.train!, uses[program] ?? [], schedule, chunk, SEED);
      const start = first;
      const stopped = await run(program, chunk, scalars, (i) => `step ${start + i + 1}`);
      if (stopped !== undefined) return stopped;
      first += chunk.steps;
    }
    return undefined;
  };
  const afterwards = async (mode: 'eval' | 'predict'): Promise<string | undefined> => {
    const { totalSteps } = schedule;
    const rng = { rng: BigInt64Array.of(BigInt(SEED), 2n ** 31n) };
    return run(programName(mode, spec.train!.batchSize), { first: totalSteps, steps: 1 }, rng, () => mode);
  };

  try {
    await run('init', { first: 0, steps: 1 }, { rng: BigInt64Array.of(BigInt(SEED), 0n) }, () => 'init');
    const midway = way.restarts === true ? Math.floor(schedule.totalSteps / 2) : 0;
    let stopped = await train(0, midway);
    if (midway > 0) session = resumed(training, session, way.threads + 1);
    stopped ??= await train(midway, schedule.totalSteps);
    for (const { name } of session.states) digests[`after: ${name}`] = hashOf(session.readState(name));
    stopped ??= (await afterwards('eval')) ?? (await afterwards('predict'));
    return { ...digests, end: stopped ?? FINISHED };
  } finally {
    session.close();
  }
}

/** A new session in the states of another, which is closed. */
function resumed({ blob, plan }: NoiseTraining, before: NativeSession, threads: number): NativeSession {
  const session = openRuntime({ threads }).createSession(blob, plan);
  for (const { name } of before.states) session.writeState(name, before.readState(name));
  before.close();
  return session;
}

/** The names under which two ways differ. */
export function differences(a: Digests, b: Digests): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => a[name] !== b[name]);
}
