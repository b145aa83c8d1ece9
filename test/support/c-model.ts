/** A model of the zoo, with weights as they are initialized, as C and as `dlc predict` runs it. */
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import type { TypedArray } from '../../compiler/data/define';
import { typedArray } from '../../compiler/data/typed_array';
import { loadSpec } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import { c } from '../../compiler/interop/export/c';
import { elementCount, type TensorType } from '../../compiler/ir/types';
import { compileModel, programName } from '../../compiler/train/programs';
import { weightsOf } from '../../compiler/train/states';
import { saveWeights } from '../../compiler/weights/files';
import { buildC, runC, type BuildOptions, type Program } from './c';
import { runtimeWith } from './native';
import { generator } from './samples';

export interface Compared {
  /** Largest difference of each output, relative to its largest magnitude, or to 1 where that is less. */
  readonly differences: Readonly<Record<string, number>>;
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

export async function exportModel(
  file: string,
  folder: string,
  options: { batch?: number; options?: Record<string, string>; overrides?: readonly string[] } = {},
): Promise<{ spec: Spec; out: string; weights: string }> {
  const spec = loadSpec(file, { overrides: [...(options.overrides ?? [])] });
  const weights = path.join(folder, `${spec.name}.h5`);
  const { plan, blob } = compileModel(spec, { init: true, predict: [options.batch ?? 1] });
  const session = runtimeWith(1).createSession(blob, plan);
  await session.run('init', 1, {
    ...(session.program('init').inputs.length > 0 && { rng: new BigInt64Array([7n, 0n]) }),
  });
  await saveWeights(weights, weightsOf(spec, plan, session));
  session.close();
  const out = path.join(folder, spec.name);
  await c.run({ spec, weights, out: `${out}.c`, options: options.options ?? {}, batch: options.batch ?? 1 });
  return { spec, out, weights };
}

export async function compareModel(
  file: string,
  parent: string,
  options: BuildOptions & { batch?: number; times?: number; most?: number; overrides?: readonly string[] } = {},
): Promise<Compared> {
  const { batch = 1, times = 1, most = 9 } = options;
  const folder = mkdtempSync(path.join(parent, 'c-'));
  const { spec, out, weights } = await exportModel(file, folder, {
    batch,
    ...(options.overrides && { overrides: options.overrides }),
    options: {
      ...(options.caller && { workspace: 'caller' }),
      ...(options.binary && { weights: 'binary' }),
    },
  });
  const { loadWeights } = await import('../../compiler/weights/files');
  const { writeStates } = await import('../../compiler/train/states');
  const { plan, blob } = compileModel(spec, { predict: [batch] });
  const session = runtimeWith(1).createSession(blob, plan);
  writeStates(session, plan, (await loadWeights(weights)).tensors);
  const name = programName('predict', batch);
  const ports = session.program(name);
  const random = generator(3);
  const inputs = ports.inputs.map((port) => inputFor(port, random, most));
  const feeds = Object.fromEntries(ports.inputs.map((port, i) => [port.name, inputs[i]!]));
  let nativeSeconds = Infinity;
  let native = await session.run(name, 1, feeds);
  for (let i = 1; i < times; i++) {
    const start = performance.now();
    native = await session.run(name, 1, feeds);
    nativeSeconds = Math.min(nativeSeconds, (performance.now() - start) / 1000);
  }
  session.close();
  const program: Program = { file: out, inputs: ports.inputs, outputs: ports.outputs };
  buildC(program, spec.name, options);
  const run = runC(program, inputs, times, options.binary ? `${out}.bin` : undefined);
  const differences = Object.fromEntries(
    ports.outputs.map((port, i) => [port.name, difference(run.outputs[i]!, native.outputs[port.name]!)]),
  );
  return { differences, seconds: run.seconds, nativeSeconds };
}

function difference(found: TypedArray, expected: TypedArray): number {
  let [worst, scale] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(found[i]), Number(expected[i])];
    scale = Math.max(scale, Math.abs(b));
    const apart = Object.is(a, b) ? 0 : Math.abs(a - b);
    worst = Math.max(worst, Number.isNaN(apart) ? Infinity : apart);
  }
  return worst / scale;
}
