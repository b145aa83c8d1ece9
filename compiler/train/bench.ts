/** Times one program of a model on synthetic data. A measurement for people and scripts, never a test. */
import type { Spec } from '../frontend/spec';
import type { OptimizerUse } from '../lower/uses';
import type { NativeRuntime, NativeSession, PortType, TensorData, Tensors } from '../native/runtime';
import { allocateTensor } from '../native/tensors';
import type { Precision } from '../ir/types';
import type { Recomputed } from '../passes/again';
import { plannedBytes } from '../plan/plan';
import { uniforms } from '../random/philox';
import { loadStates } from '../weights/several';
import type { WeightsFrom } from '../weights/source';
import { profileOf, type StepProfile } from './profile';
import { hyperInputs } from './hyper';
import { compileModel, programName } from './programs';
import { expectedWeights, writeStates } from './states';
import { InternalError } from '../diagnostics/errors';

export interface BenchProgram {
  readonly mode: 'train' | 'predict';
  readonly batch: number;
  /** In place of what the file says. */
  readonly precision?: Precision | undefined;
  /** What they have nothing for is drawn. */
  readonly weights?: WeightsFrom | undefined;
}

export interface BenchOptions extends Pick<BenchProgram, 'mode' | 'batch'> {
  readonly seconds: number;
}

export interface BenchResult {
  readonly mode: string;
  readonly batch: number;
  readonly threads: number;
  readonly calls: number;
  readonly median_ms: number;
  readonly p95_ms: number;
  readonly items_per_s: number;
  readonly peak_rss_bytes: number;
  readonly planned_bytes: number;
  /** What is computed again for `train.memory`, where something is. */
  readonly recomputed?: Recomputed;
}

const SEED = 1;
const WARMUP_STEPS = 3;
/** A call is timed as a whole: a step of microseconds is measured over many, as training runs them. */
const CALL_MS = 20;
const MAX_STEPS = 256;
const LEAST_CALLS = 5;

/** Uniform in [0, 1) for floating point, 0 or 1 for integers (labels of any number of classes). */
function synthetic(port: PortType, steps: number, stream: number): TensorData {
  const data = allocateTensor(port, steps);
  const draws = uniforms(data.length, { seed: SEED, step: 0, stream });
  for (let i = 0; i < data.length; i++) {
    const draw = draws[i]!;
    if (data instanceof BigInt64Array) data[i] = BigInt(draw < 0.5 ? 0 : 1);
    else data[i] = data instanceof Float32Array || data instanceof Float64Array ? draw : Number(draw >= 0.5);
  }
  return data;
}

/** What the optimizer takes, as in the first steps of a long epoch. */
function hyperOf({ train }: Spec, uses: readonly OptimizerUse[], steps: number): Tensors {
  const chunk = { first: 0, steps, batch: 0, kind: { phase: 0, objectives: [0] }, epoch: 0, position: 0 };
  const phases = [{ first: 0, steps: 1000 }];
  const schedule = { samples: 0, batchSize: 0, stepsPerEpoch: 1000, totalSteps: 1000, phases, periods: [1] };
  return train ? hyperInputs(train, uses, schedule, chunk, SEED) : {};
}

/** What is given, and something for the rest. */
function inputsOf(session: NativeSession, program: string, steps: number, given: Tensors): Tensors {
  const ports = session.program(program).inputs;
  return Object.fromEntries(ports.map((port, i) => [port.name, given[port.name] ?? synthetic(port, steps, i)]));
}

async function timeCall(session: NativeSession, program: string, steps: number, inputs: Tensors): Promise<number> {
  const began = performance.now();
  const result = await session.run(program, steps, inputs, {});
  if (!result.ok) throw new InternalError(`the benchmark failed: ${result.message}`);
  return performance.now() - began;
}

export interface MeasuredBench {
  readonly plannedBytes: number;
  readonly recomputed?: Recomputed;
  /** Milliseconds a step, call by call, over about this long. */
  measure(seconds: number): Promise<number[]>;
  close(): void;
}

export interface Bench extends MeasuredBench {
  /** Time and bytes of every step of the program and of its regions, on average over about this long. */
  profile(seconds: number): Promise<readonly StepProfile[]>;
}

/** Compiles and initializes the program, and warms it up. */
export async function openBench(
  model: Spec,
  runtime: NativeRuntime,
  { mode, batch, precision, weights }: BenchProgram,
): Promise<Bench> {
  // Parts of an accumulated batch are as large as the file's batch size says: it has to be this one.
  const spec = model.train ? { ...model, train: { ...model.train, batchSize: batch } } : model;
  const { plan, blob, uses, recomputed } = compileModel(spec, {
    init: true,
    [mode]: [batch],
    precision,
    device: runtime.device,
  });
  const session = runtime.createSession(blob, plan);
  const name = programName(mode, batch);
  const program = plan.programs.find((one) => one.name === name)!;
  await session.run('init', 1, { rng: BigInt64Array.of(BigInt(SEED), 0n) });
  writeStates(session, plan, await loadStates(weights, expectedWeights(plan)));
  const { ms, single, measure } = await warmUp(session, name, (steps) =>
    inputsOf(session, name, steps, hyperOf(spec, uses[name] ?? [], steps)),
  );
  return {
    plannedBytes: plannedBytes(plan, program),
    recomputed: recomputed[name]!,
    measure,
    async profile(seconds) {
      const runs = Math.max(1, Math.round((seconds * 1000) / ms));
      return profileOf(program, await session.profile(name, runs, single));
    },
    close: () => session.close(),
  };
}

/** A program of a session that stands, with the weights in it. */
export async function openSessionBench(session: NativeSession, name: string): Promise<MeasuredBench> {
  const { stateBytes, constBytes, arenaBytes } = session.memory();
  const { measure } = await warmUp(session, name, (steps) => inputsOf(session, name, steps, {}));
  return { plannedBytes: stateBytes + constBytes + arenaBytes, measure, close: () => session.close() };
}

async function warmUp(
  session: NativeSession,
  name: string,
  inputsFor: (steps: number) => Tensors,
): Promise<Pick<Bench, 'measure'> & { readonly ms: number; readonly single: Tensors }> {
  const single = inputsFor(1);
  let ms = Infinity;
  for (let i = 0; i < WARMUP_STEPS; i++) ms = Math.min(ms, await timeCall(session, name, 1, single));
  const steps = Math.min(MAX_STEPS, Math.max(1, Math.round(CALL_MS / ms)));
  const inputs = steps === 1 ? single : inputsFor(steps);
  return {
    ms,
    single,
    async measure(seconds) {
      const times: number[] = [];
      const until = performance.now() + seconds * 1000;
      do times.push((await timeCall(session, name, steps, inputs)) / steps);
      while (performance.now() < until);
      return times;
    },
  };
}

/** Measures and closes it. */
export async function runBench(
  bench: MeasuredBench,
  runtime: NativeRuntime,
  { mode, batch, seconds }: BenchOptions,
): Promise<BenchResult> {
  const times = await bench.measure(seconds);
  while (times.length < LEAST_CALLS) times.push(...(await bench.measure(0)));
  bench.close();
  times.sort((a, b) => a - b);
  const quantile = (q: number): number => times[Math.min(times.length - 1, Math.floor(q * times.length))]!;
  return {
    mode,
    batch,
    threads: runtime.describe().threads,
    calls: times.length,
    median_ms: quantile(0.5),
    p95_ms: quantile(0.95),
    items_per_s: (batch * 1000) / quantile(0.5),
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    planned_bytes: bench.plannedBytes,
    ...(bench.recomputed && bench.recomputed.steps > 0 ? { recomputed: bench.recomputed } : {}),
  };
}
