/** A model of the zoo with weights as they are initialized, and what `dlc predict` makes of fixed inputs. */
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import type { TypedArray } from '../../compiler/data/define';
import { typedArray } from '../../compiler/data/typed_array';
import { loadSpec } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import { elementCount, type TensorType } from '../../compiler/ir/types';
import type { ProgramPorts } from '../../compiler/native/runtime';
import { compileModel, programName } from '../../compiler/train/programs';
import { weightsOf, writeStates } from '../../compiler/train/states';
import { saveWeights } from '../../compiler/weights/files';
import { runtimeWith } from './native';
import { generator } from './samples';

export interface StartedOptions {
  readonly batch?: number;
  /** Native runs, of which the fastest counts. */
  readonly times?: number;
  /** Indices are drawn below it. */
  readonly most?: number;
  readonly overrides?: readonly string[];
}

export interface StartedModel {
  readonly spec: Spec;
  /** The weight file, in a folder of its own. */
  readonly weights: string;
  readonly folder: string;
  readonly ports: ProgramPorts;
  readonly inputs: readonly TypedArray[];
  readonly expected: readonly TypedArray[];
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
export async function startedModel(file: string, parent: string, options: StartedOptions = {}): Promise<StartedModel> {
  const { batch = 1, times = 1, most = 9, overrides = [] } = options;
  const folder = mkdtempSync(path.join(parent, 'model-'));
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
      spec,
      weights,
      folder,
      ports,
      inputs,
      expected: ports.outputs.map((port) => run.outputs[port.name]!.slice()),
      nativeSeconds,
    };
  } finally {
    session.close();
  }
}
