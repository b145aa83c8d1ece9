/** Models as ONNX files, run by ONNX Runtime beside `dlc predict`: same weights, same inputs. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TypedArray } from '../../compiler/data/define';
import { bytesIn, typedArray } from '../../compiler/data/typed_array';
import { loadSpec } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import { onnx } from '../../compiler/interop/export/onnx';
import type { MadeModel } from '../../compiler/interop/export/onnx/graph';
import { encodeModel } from '../../compiler/interop/formats/onnx/encode';
import { readModel, type ModelProto } from '../../compiler/interop/formats/onnx/wire';
import { elementCount, type DType, type TensorType } from '../../compiler/ir/types';
import type { RefTensor } from '../../compiler/ops/define';
import { FIRST_DRAW } from '../../compiler/train/draws';
import { interfaceOf } from '../../compiler/train/interface';
import { compileModel, modelStates, programName } from '../../compiler/train/programs';
import { weightsOf } from '../../compiler/train/states';
import { openTrained } from '../../compiler/train/trained';
import { saveWeights } from '../../compiler/weights/files';
import { runtimeWith } from './native';
import { generator } from './samples';

/** Where its binary for this machine is; it comes inside of the package. */
const PACKAGE = path.resolve('node_modules/onnxruntime-node');
const BINARY = path.join(PACKAGE, 'bin/napi-v6', process.platform, process.arch, 'onnxruntime_binding.node');

export const hasOnnxRuntime = existsSync(BINARY);

/** `true` where the runtime is here; says so where it is not. */
export function needsOnnxRuntime(): boolean {
  if (!hasOnnxRuntime) console.log('skipped: ONNX Runtime is not here');
  return hasOnnxRuntime;
}

const TYPES: Readonly<Record<string, string>> = {
  f32: 'float32',
  f64: 'float64',
  i32: 'int32',
  i64: 'int64',
  u8: 'uint8',
  bool: 'bool',
};

export interface Input extends TensorType {
  readonly name: string;
  readonly data: TypedArray;
}

export interface Output {
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

export interface OnnxRun {
  readonly model: string;
  readonly inputs: readonly Input[];
}

export type Answer = { readonly error: string } | { readonly outputs: Readonly<Record<string, Output>> };

interface Described {
  readonly name: string;
  readonly type: string;
  readonly dims: readonly number[];
  readonly file: string;
}

/** All in one process, one after the other. */
export function runAllOnnx(runs: readonly OnnxRun[]): readonly Answer[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-ort-'));
  try {
    const described = runs.map(({ model, inputs }, at) => ({
      model,
      inputs: inputs.map(({ name, dtype, shape, data }, i) => {
        const file = path.join(folder, `run${at}-input${i}`);
        writeFileSync(file, bytesIn(data));
        return { name, type: TYPES[dtype], dims: shape, file };
      }),
    }));
    const { stdout, stderr, status } = spawnSync(process.execPath, [path.resolve('test/support/ort-run.cjs')], {
      input: JSON.stringify({ package: PACKAGE, folder, runs: described }),
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) throw new Error(`ONNX Runtime: ${stderr}`);
    const answers = JSON.parse(stdout) as { error?: string; outputs: Described[] }[];
    return answers.map(({ error, outputs }) =>
      error === undefined ? { outputs: Object.fromEntries(outputs.map(outputOf)) } : { error },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function outputOf({ name, type, dims, file }: Described): [string, Output] {
  const [dtype] = Object.entries(TYPES).find(([, word]) => word === type)!;
  const data = typedArray(dtype as DType, elementCount(dims));
  bytesIn(data).set(readFileSync(file));
  return [name, { dims, data }];
}

export function runOnnx(model: string, inputs: readonly Input[]): Readonly<Record<string, Output>> {
  const [answer] = runAllOnnx([{ model, inputs }]);
  if (!answer || 'error' in answer) throw new Error(`ONNX Runtime: ${answer?.error}`);
  return answer.outputs;
}

/** The file of a graph that was made without an exporter around it. */
export function writeGraph(file: string, made: MadeModel): void {
  const header = { irVersion: 10, producer: 'dlc', producerVersion: '', metadata: {} };
  writeFileSync(file, Buffer.concat(encodeModel({ ...header, ...made })));
}

/** Against the reference, relative to the largest number. */
export function expectClose(answer: Answer, expected: Readonly<Record<string, RefTensor>>, tolerance: number): void {
  if ('error' in answer) throw new Error(answer.error);
  for (const [name, { type, data }] of Object.entries(expected)) {
    const found = answer.outputs[name]!;
    expect([name, ...found.dims]).toEqual([name, ...type.shape]);
    const largest = data.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 1e-30);
    data.forEach((x, i) => {
      const apart = Object.is(x, Number(found.data[i])) ? 0 : Math.abs(Number(found.data[i]) - x);
      if (!(apart <= tolerance * largest)) throw new Error(`${name}[${i}] is ${String(found.data[i])}, expected ${x}`);
    });
  }
}

export interface ExportedModel {
  readonly spec: Spec;
  /** Absent where the model has none. */
  readonly weights: string | undefined;
  readonly file: string;
  readonly remarks: readonly string[];
  readonly model: ModelProto;
}

export interface ExportSettings {
  readonly overrides?: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
  readonly batch?: number;
}

/** With the weights that a training would begin with. */
export async function exportOnnx(file: string, folder: string, settings: ExportSettings = {}): Promise<ExportedModel> {
  const { overrides = [], options = {}, batch } = settings;
  const spec = loadSpec(file, { overrides: [...overrides] });
  const weights = modelStates(spec).length === 0 ? undefined : path.join(folder, `${spec.name}.h5`);
  if (weights !== undefined) await saveInitial(spec, weights);
  const out = path.join(folder, `${spec.name}.onnx`);
  const given = { ...(weights !== undefined && { weights }), ...(batch !== undefined && { batch }) };
  const { remarks } = await onnx.run({ spec, out, options, ...given });
  return { spec, weights, file: out, remarks, model: readModel(readFileSync(out)) };
}

async function saveInitial(spec: Spec, weights: string): Promise<void> {
  const { plan, blob } = compileModel(spec, { init: true, predict: [1] });
  const session = runtimeWith(1).createSession(blob, plan);
  const rng = session.program('init').inputs.length > 0 ? { rng: BigInt64Array.of(7n, 0n) } : {};
  await session.run('init', 1, rng);
  await saveWeights(weights, weightsOf(spec, plan, session));
  session.close();
}

/** Detectors whose scores are all alike for bright noise before any training: rounding alone would put them in order. */
const DIM: Readonly<Record<string, number>> = { yolo_tiny: 0.1, retinanet_resnet50: 0.1 };

/** Random inputs: floats in [0, 1), indices 0 and 1, which any table has. Random layers draw as the file says. */
export function inputsFor(spec: Spec, ports: readonly (TensorType & { readonly name: string })[]): Input[] {
  const random = generator(3);
  const bright = DIM[spec.name] ?? 1;
  return ports.map(({ name, dtype, shape }) => {
    if (name === 'rng')
      return { name, dtype, shape, data: BigInt64Array.of(BigInt(interfaceOf(spec).seed), FIRST_DRAW) };
    const data = typedArray(dtype, elementCount(shape));
    for (let i = 0; i < data.length; i++) {
      const u = random();
      if (data instanceof BigInt64Array) data[i] = BigInt(Math.floor(u * 2));
      else data[i] = dtype === 'f32' || dtype === 'f64' ? bright * u : Math.floor(u * 2);
    }
    return { name, dtype, shape, data };
  });
}

/** The largest difference of any output, relative to its largest number. */
export async function compareOnnx({ spec, weights, file }: ExportedModel, batch: number): Promise<number> {
  const { session } = await openTrained(spec, { predict: [batch] }, weights, runtimeWith(1));
  const program = session.program(programName('predict', batch));
  const inputs = inputsFor(spec, program.inputs);
  const native = await session.run(program.name, 1, Object.fromEntries(inputs.map(({ name, data }) => [name, data])));
  session.close();
  if (!native.ok) throw new Error(native.message);
  const found = runOnnx(file, inputs);
  const differences = program.outputs.map(({ name, shape }) => {
    const { dims, data } = found[name]!;
    if (dims.join() !== shape.join()) throw new Error(`${name} is [${dims.join()}], expected [${shape.join()}]`);
    return difference(data, native.outputs[name]!);
  });
  return Math.max(...differences);
}

function difference(found: TypedArray, expected: TypedArray): number {
  let [worst, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(found[i]), Number(expected[i])];
    if (Number.isFinite(b)) scale = Math.max(scale, Math.abs(b));
    const apart = Object.is(a, b) ? 0 : Math.abs(a - b);
    worst = Math.max(worst, Number.isNaN(apart) ? Infinity : apart);
  }
  return worst === 0 ? 0 : worst / scale;
}
