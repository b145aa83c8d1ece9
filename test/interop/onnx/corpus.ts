/** What tests of the import share: files of the corpus, and an imported model run natively against what it should give. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { TypedArray } from '../../../compiler/data/define';
import { typedArray } from '../../../compiler/data/typed_array';
import { importModel, type Imported } from '../../../compiler/interop/import/import';
import type { ImportSettings } from '../../../compiler/interop/import/importer';
import { knownOf, type Known } from '../../../compiler/interop/formats/onnx/tensor';
import { ELEM } from '../../../compiler/interop/formats/onnx/types';
import { readTensorFile } from '../../../compiler/interop/formats/onnx/wire';
import { interfaceOf } from '../../../compiler/train/interface';
import { asBatch, hasBatchAxis, predict, predictBatches } from '../../../compiler/train/predict';
import { compileModel } from '../../../compiler/train/programs';
import { writeStates } from '../../../compiler/train/states';
import { openTensorFile } from '../../../compiler/weights/formats';
import { runtimeWith } from '../../support/native';

export const CORPUS = path.resolve('../shared/data/interop-onnx');

/** Whether the corpus is there; says so where it is not. */
export function hasCorpus(): boolean {
  if (existsSync(CORPUS)) return true;
  console.log('SKIPPED: ../shared/data/interop-onnx is not there');
  return false;
}

export interface Sample {
  readonly inputs: ReadonlyMap<string, Known>;
  readonly outputs: readonly Known[];
}

export function tensorFile(file: string): Known {
  return knownOf(readTensorFile(readFileSync(file)));
}

/** `golden.npz` of a model: `input:<name>`, `output:<name>`. */
export async function goldenOf(file: string, outputs: readonly string[]): Promise<Sample> {
  const archive = (await openTensorFile(file))!;
  const all = new Map<string, Known>();
  for (const tensor of archive.tensors) {
    const { shape, data } = await archive.read(tensor);
    all.set(tensor.name, {
      elem: ELEM.float,
      shape,
      data: Float64Array.from(data as ArrayLike<number | bigint>, Number),
    });
  }
  await archive.close();
  const inputs = [...all].filter(([name]) => name.startsWith('input:'));
  return {
    inputs: new Map(inputs.map(([name, tensor]) => [name.slice('input:'.length), tensor])),
    outputs: outputs.map((name) => all.get(`output:${name}`)!),
  };
}

/** `test_data_set_*` of a case, by the names of the model's inputs. */
export function vectorsOf(folder: string, names: readonly string[]): Sample[] {
  const number = (file: string): number => Number(/_(\d+)\.pb$/.exec(file)?.[1]);
  const sets = readdirSync(folder).filter((name) => name.startsWith('test_data_set'));
  return sets.sort().map((set) => {
    const files = readdirSync(path.join(folder, set)).sort((a, b) => number(a) - number(b));
    const read = (file: string): Known => tensorFile(path.join(folder, set, file));
    return {
      inputs: new Map(files.filter((f) => f.startsWith('input_')).map((file) => [names[number(file)]!, read(file)])),
      outputs: files.filter((file) => file.startsWith('output_')).map(read),
    };
  });
}

export async function importOnnx(file: string, settings: ImportSettings = {}): Promise<Imported> {
  return importModel([file], { ...settings, blocks: true, from: 'onnx' });
}

/** What differs from what is wanted; nothing where all is equal. */
export async function differences(
  { spec, tensors, entries }: Imported,
  { inputs, outputs }: Sample,
  tolerance = { relative: 1e-3, absolute: 1e-5 },
): Promise<string[]> {
  const model = interfaceOf(spec);
  const sources = new Map(entries.filter(({ kind }) => kind === 'input').map(({ to, source }) => [to, source]));
  const at = { file: 'test', line: 1, column: 1, length: 1 };
  const needed = model.inputs.filter(({ name }) => model.needed.includes(name));
  const given = Object.fromEntries(
    needed.map((input) => {
      const { shape, data } = inputs.get(sources.get(input.name) ?? '')!;
      const array = { dtype: input.dtype, shape: shape.length === 0 ? [1] : shape, data: converted(input.dtype, data) };
      return [input.name, asBatch(input, array, at)];
    }),
  );
  const batched = needed.find(hasBatchAxis);
  const count = batched === undefined ? 1 : given[batched.name]!.shape[0]!;
  const { plan, blob } = compileModel(spec, { predict: predictBatches(spec, count) });
  const session = runtimeWith(1).createSession(blob, plan);
  try {
    writeStates(session, plan, tensors);
    const results = await predict(model, session, given, undefined, undefined, count);
    return outputs.flatMap((wanted, i) => {
      const name = spec.outputs[i]!;
      const got = results[name]!;
      if (got.shape.join() !== wanted.shape.join())
        return [`${name} is [${got.shape.join()}], not [${wanted.shape.join()}]`];
      const place = firstDifference(got.data, wanted.data, tolerance);
      return place < 0 ? [] : [`${name} at ${place}: ${got.data[place]!}, not ${wanted.data[place]!}`];
    });
  } finally {
    session.close();
  }
}

function converted(dtype: Parameters<typeof typedArray>[0], numbers: ArrayLike<number>): TypedArray {
  const data = typedArray(dtype, numbers.length);
  for (let i = 0; i < numbers.length; i++) data[i] = dtype === 'i64' ? BigInt(numbers[i]!) : numbers[i]!;
  return data;
}

function firstDifference(
  got: TypedArray,
  wanted: ArrayLike<number>,
  { relative, absolute }: { readonly relative: number; readonly absolute: number },
): number {
  for (let i = 0; i < wanted.length; i++) {
    const [a, b] = [Number(got[i]), wanted[i]!];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!(Math.abs(a - b) <= absolute + relative * Math.abs(b))) return i;
  }
  return -1;
}
