/**
 * Suites for `dlc-run --suite`, which needs nothing but itself where it runs: plans for a card with their inputs, and what
 * they should give. Ops are compared with the float64 reference, models with the same steps on the CPU.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { encodeNpy } from '../../compiler/data/npy';
import { InternalError } from '../../compiler/diagnostics/errors';
import { describeCuda, type PortType, type TensorData } from '../../compiler/native/runtime';
import type { Graph } from '../../compiler/ir/graph';
import type { OpDef, OpSample } from '../../compiler/ops/define';
import { planPrograms } from '../../compiler/plan/build';
import { encodePlan } from '../../compiler/plan/encode';
import { interpret } from '../../compiler/reference/interpret';
import { chunkAt } from '../../compiler/train/batching';
import { hyperInputs } from '../../compiler/train/hyper';
import { programName, trainProgramName } from '../../compiler/train/programs';
import { runtimeWith, toNative } from './native';
import { feedOf, noiseTraining, SEED, type NoiseOptions } from './noise-training';
import { named, oneOpGraph } from './one-op';
import { allOps, isElementwise, sampleInputs } from './samples';

/** Sums in another order, and functions that the card rounds otherwise. */
const LEAST_TOLERANCE = 1e-4;

/** Where each tensor of a case lies is in runtime-native/tools/suite.h. */
class CaseFolder {
  private readonly lines: string[] = [];

  constructor(
    private readonly folder: string,
    blob: Uint8Array,
  ) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'plan'), blob);
  }

  program(name: string, steps: number, tolerance: number): void {
    this.lines.push(`${name} ${steps} ${tolerance}\n`);
    writeFileSync(path.join(this.folder, 'cases.txt'), this.lines.join(''));
  }

  tensor(at: string, { name, dtype, shape }: PortType, data: TensorData, steps = 1): void {
    const file = path.join(this.folder, at, `${name}.npy`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, encodeNpy({ dtype, shape: steps === 1 ? shape : [steps, ...shape], data }));
  }
}

/** Layouts that plans for a card do not use. */
function isForCpu({ attrs = {} }: OpSample): boolean {
  return attrs['layout'] === 'channels_last' || 'weight_shape' in attrs;
}

/** The samples of every op that has a kernel, `most` of each, as programs `<op>.<number>` of a case of that name. */
export function writeOps(folder: string, most: number): string[] {
  const kernels = new Set(describeCuda().kernels);
  const runs = ([name]: [string, OpDef]): boolean => kernels.has(name) || isElementwise(name);
  const ops = allOps().filter(runs);
  const graphs: Record<string, { readonly graph: Graph; readonly sample: OpSample }> = {};
  for (const [name, def] of ops) {
    const samples = def.samples.filter((sample) => !isForCpu(sample) && !sample.build).slice(0, most);
    samples.forEach((sample, i) => (graphs[`${name}.${i}`] = { graph: oneOpGraph(def, sample), sample }));
  }
  const plan = planPrograms(
    'ops',
    Object.fromEntries(Object.entries(graphs).map(([name, { graph }]) => [name, graph])),
  );
  const written = new CaseFolder(path.join(folder, 'ops'), encodePlan(plan));
  for (const [name, { graph, sample }] of Object.entries(graphs)) {
    const inputs = named(sampleInputs(sample));
    const { results } = interpret(graph, inputs);
    written.program(name, 1, Math.max(LEAST_TOLERANCE, sample.tolerance ?? 0));
    for (const [input, tensor] of Object.entries(inputs)) {
      written.tensor(`${name}/inputs`, { name: input, ...tensor.type }, toNative(tensor));
    }
    for (const [output, tensor] of Object.entries(results)) {
      written.tensor(`${name}/outputs`, { name: output, ...tensor.type }, toNative(tensor));
    }
  }
  return ops.map(([name]) => name);
}

export interface ModelCase extends Omit<NoiseOptions, 'device'> {
  /** Of what steps compute and leave behind. */
  readonly tolerance: number;
}

/** A model on noise: its initial weights, some steps, and a prediction of what they have left. */
export async function writeModel(folder: string, file: string, options: ModelCase): Promise<void> {
  const { spec, schedule, plan, blob, uses } = noiseTraining(file, { ...options, device: 'cuda' });
  const session = runtimeWith(2).createSession(blob, plan);
  const written = new CaseFolder(path.join(folder, spec.name), blob);
  const run = async (program: string, steps: number, given: Readonly<Record<string, TensorData>>): Promise<void> => {
    const { inputs, outputs } = session.program(program);
    const feeds = inputs.map((port, i) => [port, given[port.name] ?? feedOf(port, i, 0, steps)] as const);
    const result = await session.run(program, steps, Object.fromEntries(feeds.map(([{ name }, data]) => [name, data])));
    if (!result.ok) throw new InternalError(`${spec.name}, ${program}: ${result.message}`);
    written.program(program, steps, options.tolerance);
    for (const [port, data] of feeds) written.tensor(`${program}/inputs`, port, data, steps);
    for (const port of outputs) written.tensor(`${program}/outputs`, port, result.outputs[port.name]!, steps);
    for (const state of session.states) written.tensor(`${program}/states`, state, session.readState(state.name));
  };
  try {
    await run('init', 1, { rng: BigInt64Array.of(BigInt(SEED), 0n) });
    const chunk = chunkAt(schedule, 0, options.steps, []);
    const program = trainProgramName(chunk, spec.train!.objectives.length);
    await run(program, chunk.steps, hyperInputs(spec.train!, uses[program] ?? [], schedule, chunk, SEED));
    await run(programName('predict', options.batch), 1, { rng: BigInt64Array.of(BigInt(SEED), 2n ** 31n) });
  } finally {
    session.close();
  }
}
