/** A model of the zoo, with weights as they are initialized, as C and as `dlc predict` runs it. */
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import type { TypedArray } from '../../compiler/data/define';
import { typedArray } from '../../compiler/data/typed_array';
import { loadSpec } from '../../compiler/frontend/load';
import { c } from '../../compiler/interop/export/c';
import { identifier } from '../../compiler/interop/export/c/text';
import { elementCount, type TensorType } from '../../compiler/ir/types';
import { compileModel, programName } from '../../compiler/train/programs';
import { weightsOf, writeStates } from '../../compiler/train/states';
import { saveWeights } from '../../compiler/weights/files';
import { buildC, runC, type BuildOptions, type Program } from './c';
import { runtimeWith } from './native';
import { generator } from './samples';

export interface Compared {
  /** Of all outputs the largest difference, relative to the largest magnitude in its output, or to 1 where that is less. */
  readonly worst: number;
  /** The same relative to the magnitude, whatever it is. */
  readonly relative: number;
  readonly seconds: number;
  readonly nativeSeconds: number;
}

/** Random inputs: floats in [0, 1), indices below `most`. */
function inputFor({ dtype, shape }: TensorType, random: () => number, most: number): TypedArray {
  const data = typedArray(dtype, elementCount(shape));
  for (let i = 0; i < data.length; i++) {
    const u = random();
    if (data instanceof BigInt64Array) data[i] = BigInt(Math.floor(u * most));
    else data[i] = dtype === 'bool' ? Math.floor(u * 2) : dtype === 'i32' ? 1 + Math.floor(u * most) : u;
  }
  return data;
}

/** A model as C, with random inputs and what `dlc predict` makes of them. */
export interface ModelInC {
  readonly program: Program;
  readonly prefix: string;
  readonly layout: Pick<BuildOptions, 'caller' | 'binary'>;
  readonly inputs: readonly TypedArray[];
  readonly expected: readonly TypedArray[];
  readonly nativeSeconds: number;
}

export interface ModelOptions extends Pick<BuildOptions, 'caller' | 'binary'> {
  readonly batch?: number;
  /** Native runs, of which the fastest counts. */
  readonly times?: number;
  /** Indices are drawn below it. */
  readonly most?: number;
  readonly overrides?: readonly string[];
}

/** Weights that begin as zeros, as ones or as next to nothing would hide what is wrong with the steps that read them. */
function enliven(data: Float32Array, shape: readonly number[], random: () => number): void {
  const fan = elementCount(shape.slice(1));
  const most = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const one = data.every((value) => value === 1);
  if (most * Math.sqrt(fan) >= 0.5 && !one) return;
  const width = shape.length > 1 ? Math.sqrt(3 / fan) : 0.1;
  for (let i = 0; i < data.length; i++) data[i] = one ? 0.5 + random() : (2 * random() - 1) * width;
}

/** Weights as they begin and fixed inputs; what is written lies in a new folder in `parent`. */
export async function modelInC(file: string, parent: string, options: ModelOptions = {}): Promise<ModelInC> {
  const { batch = 1, times = 1, most = 9, overrides = [], caller = false, binary = false } = options;
  const folder = mkdtempSync(path.join(parent, 'c-'));
  const random = generator(3);
  const spec = loadSpec(file, { overrides: [...overrides] });
  const weights = path.join(folder, `${spec.name}.h5`);
  const { plan, blob } = compileModel(spec, { init: true, predict: [batch] });
  const session = runtimeWith(1).createSession(blob, plan);
  try {
    const drawn = session.program('init').inputs.length > 0;
    await session.run('init', 1, { ...(drawn && { rng: new BigInt64Array([7n, 0n]) }) });
    const started = weightsOf(spec, plan, session);
    for (const { data, shape } of started.tensors.values())
      if (data instanceof Float32Array) enliven(data, shape, random);
    writeStates(session, plan, started.tensors);
    await saveWeights(weights, started);
    const out = path.join(folder, spec.name);
    const settings = { workspace: caller ? 'caller' : 'static', weights: binary ? 'binary' : 'const' };
    await c.run({ spec, weights, out: `${out}.c`, options: settings, batch });

    const name = programName('predict', batch);
    const ports = session.program(name);
    const inputs = ports.inputs.map((port) => inputFor(port, random, most));
    const feeds = Object.fromEntries(ports.inputs.map((port, i) => [port.name, inputs[i]!]));
    let [nativeSeconds, run] = [Infinity, await session.run(name, 1, feeds)];
    for (let i = 1; i < times; i++) {
      const start = performance.now();
      run = await session.run(name, 1, feeds);
      nativeSeconds = Math.min(nativeSeconds, (performance.now() - start) / 1000);
    }
    if (!run.ok) throw new Error(run.message);
    return {
      program: { file: out, inputs: ports.inputs, outputs: ports.outputs },
      prefix: identifier(spec.name),
      layout: { caller, binary },
      inputs,
      expected: ports.outputs.map((port) => run.outputs[port.name]!.slice()),
      nativeSeconds,
    };
  } finally {
    session.close();
  }
}

/** Compiled and run `times` times. */
export function compareInC(model: ModelInC, options: BuildOptions & { readonly times?: number } = {}): Compared {
  const { program, prefix, layout, inputs, expected, nativeSeconds } = model;
  buildC(program, prefix, { ...options, ...layout });
  const run = runC(program, inputs, options.times ?? 1, layout.binary ? `${program.file}.bin` : undefined);
  const apart = expected.map((each, i) => differenceOf(run.outputs[i]!, each));
  return {
    worst: Math.max(...apart.map(({ most, scale }) => most / Math.max(1, scale))),
    relative: Math.max(...apart.map(({ most, scale }) => (most === 0 ? 0 : most / scale))),
    seconds: run.seconds,
    nativeSeconds,
  };
}

/** Infinite where only one of two numbers is finite, or they are infinite in different ways. */
export function differenceOf(found: TypedArray, expected: TypedArray): { most: number; scale: number } {
  let [most, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(found[i]), Number(expected[i])];
    if (Number.isFinite(b)) scale = Math.max(scale, Math.abs(b));
    if (Object.is(a, b) || a === b) continue;
    const apart = Math.abs(a - b);
    most = Number.isFinite(apart) ? Math.max(most, apart) : Infinity;
  }
  return { most, scale };
}
