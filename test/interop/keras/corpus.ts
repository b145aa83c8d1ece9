/**
 * The Keras models of the shared corpus: each unit imported as `dlc import` does, run natively on the inputs that came
 * with it, and compared with the outputs that did.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readNpy, type NpyArray } from '../../../compiler/data/npy';
import { SpecError } from '../../../compiler/diagnostics/errors';
import { readH5 } from '../../../compiler/interop/formats/hdf5';
import { readModel } from '../../../compiler/interop/import';
import { importModel, type Imported } from '../../../compiler/interop/import/import';
import { elementCount } from '../../../compiler/ir/types';
import { load, type ModelTensor } from '../../../compiler/train/load';
import { saveWeights } from '../../../compiler/weights/files';
import { openNpz } from '../../../compiler/weights/formats/npz';
import { publicData } from '../../models/training';

export const CORPUS = path.resolve(__dirname, '../../../../shared/data/interop-keras');

/** Whether the corpus is beside the checkout; a word about it where it is not. */
export const isThere = (): boolean => publicData('interop-keras') !== undefined;

/** `family/unit` of every model in the corpus; the vectors of single layers are another test's. */
export function units(): string[] {
  const folders = (at: string): string[] =>
    readdirSync(at).filter((name) => statSync(path.join(at, name)).isDirectory());
  return folders(CORPUS)
    .filter((family) => family !== 'kerasjs-vectors')
    .flatMap((family) => folders(path.join(CORPUS, family)).map((unit) => `${family}/${unit}`));
}

export interface Outcome {
  readonly result: 'equal' | 'imported' | 'refused' | 'wrong' | 'crashed';
  /** The reason, or how far it is off. */
  readonly detail: string;
}

const isModelFile = (name: string): boolean =>
  /\.(h5|hdf5|keras|json|bin)$/.test(name) && !/inputs_and_outputs|golden/.test(name);

/** The files to give `dlc import`: a model of its own where there is one, else all. */
function modelFiles(unit: string): string[] {
  const folder = path.join(CORPUS, unit);
  const files = readdirSync(folder).filter(isModelFile);
  const whole = files.filter((name) => /_model\.h5$|\.keras$/.test(name));
  return (whole.length > 0 ? whole : files).sort().map((name) => path.join(folder, name));
}

interface Golden {
  readonly inputs: readonly NpyArray[];
  readonly outputs: readonly NpyArray[];
}

async function goldenOf(unit: string): Promise<Golden | undefined> {
  const folder = path.join(CORPUS, unit);
  const archive = path.join(folder, 'golden.npz');
  if (existsSync(archive)) {
    const file = await openNpz(archive);
    const read = async (prefix: string): Promise<NpyArray[]> => {
      const found = file.tensors.filter(({ name }) => name.startsWith(prefix));
      found.sort((a, b) => Number(a.name.slice(prefix.length)) - Number(b.name.slice(prefix.length)));
      return Promise.all(found.map(async (tensor) => await file.read(tensor)));
    };
    return { inputs: await read('input:'), outputs: await read('output:') };
  }
  const stored = readdirSync(folder).find((name) => name.endsWith('_inputs_and_outputs.h5'));
  if (stored !== undefined) {
    const file = path.join(folder, stored);
    return readH5(file, file, statSync(file).size, async (reader) => {
      const read = async (group: string): Promise<NpyArray[]> => {
        const all: NpyArray[] = [];
        for (const dataset of reader.listing.datasets)
          if (dataset.path.startsWith(`/${group}/`)) all.push((await reader.tensor(dataset)) as NpyArray);
        return all;
      };
      return { inputs: await read('inputs'), outputs: await read('predictions') };
    });
  }
  if (!existsSync(path.join(folder, 'input.npy'))) return undefined;
  const read = (name: string): Promise<NpyArray> => readNpy(path.join(folder, name));
  return { inputs: [await read('input.npy')], outputs: [await read('predictions.npy')] };
}

/** The axis at the end brought behind the batch, or behind the steps. */
function channelsFirst({ dtype, shape, data }: NpyArray, front = 1): NpyArray {
  const rank = shape.length;
  const places = shape.map((_, axis) => axis);
  const axes = [...places.slice(0, front), rank - 1, ...places.slice(front, -1)];
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const turned = axes.map((axis) => shape[axis]!);
  const result = data.slice();
  for (let i = 0; i < data.length; i++) {
    let rest = i;
    let from = 0;
    for (let axis = rank - 1; axis >= 0; axis--) {
      from += (rest % turned[axis]!) * strides[axes[axis]!]!;
      rest = Math.floor(rest / turned[axis]!);
    }
    result[i] = data[from]!;
  }
  return { dtype, shape: turned, data: result };
}

/** An array of the source in the order that the remarks of the model tell. */
export function inOrder(text: string, what: string, array: NpyArray): NpyArray {
  if (text.includes(`${what} has its channels first`)) return channelsFirst(array);
  return text.includes(`${what} has its channels behind the steps`) ? channelsFirst(array, 2) : array;
}

/** Largest difference over the largest magnitude; undefined where the shapes differ. */
export function distance(found: ModelTensor, expected: NpyArray): number | undefined {
  if (found.data.length !== expected.data.length) return undefined;
  let scale = 1e-3;
  let most = 0;
  for (let i = 0; i < found.data.length; i++) {
    scale = Math.max(scale, Math.abs(Number(expected.data[i])));
    const off = Math.abs(Number(found.data[i]) - Number(expected.data[i]));
    if (!(off <= most)) most = off;
  }
  return most / scale;
}

/** Runs an imported model; inputs and outputs by place, in the source's order of axes. */
export async function run(model: Imported, inputs: readonly NpyArray[]): Promise<ModelTensor[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-keras-corpus-'));
  try {
    const spec = path.join(folder, 'model.yaml');
    const weights = path.join(folder, 'model.h5');
    for (const [name, text] of model.models) writeFileSync(path.join(folder, name), text);
    writeFileSync(spec, model.text);
    await saveWeights(weights, { tensors: model.tensors, spec: model.spec.resolved });
    const batch = inputs[0]?.shape[0] ?? 1;
    const loaded = await load(weights, { model: spec, threads: 1, batch });
    try {
      // Inputs behind those of the source are targets of losses.
      const given = model.spec.inputs.slice(0, inputs.length).map(({ name, dtype }, i): [string, ModelTensor] => {
        const array = inputs[i]!;
        const turned = inOrder(model.text, `input ${name}`, array);
        const whole = dtype === 'i32' ? { ...turned, dtype, data: Int32Array.from(turned.data, Number) } : turned;
        return [name, whole];
      });
      const results = await loaded.predict(Object.fromEntries(given));
      return model.spec.outputs.map((output) => results[output]!);
    } finally {
      loaded.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Extents that a model leaves open are those of the arrays that came with it. */
async function openShapes(
  files: readonly string[],
  arrays: readonly NpyArray[],
): Promise<ReadonlyMap<string, readonly (number | string)[]>> {
  const { entries } = await readModel(files);
  const names = entries.filter(({ kind }) => kind === 'input').map(({ source }) => source);
  return new Map(arrays.map(({ shape }, i) => [names[i]!, ['N', ...shape.slice(1)]]));
}

export async function tryUnit(unit: string): Promise<Outcome> {
  try {
    const golden = await goldenOf(unit);
    const files = modelFiles(unit);
    const shapes = await openShapes(files, golden?.inputs ?? []);
    const model = await importModel(files, { blocks: true, inputs: shapes });
    if (golden === undefined || golden.inputs.length === 0) return { result: 'imported', detail: 'nothing to compare' };
    const outputs = await run(model, golden.inputs);
    const far = outputs.map((output, i) => {
      const expected = golden.outputs[i]!;
      const turned = inOrder(model.text, `output ${model.spec.outputs[i]!}`, expected);
      return distance(output, turned);
    });
    if (far.length !== golden.outputs.length) return { result: 'wrong', detail: `${far.length} outputs` };
    const worst = far.includes(undefined) ? Infinity : Math.max(...(far as number[]));
    return { result: worst <= 1e-5 ? 'equal' : 'wrong', detail: worst.toExponential(1) };
  } catch (error) {
    if (error instanceof SpecError)
      return { result: 'refused', detail: error.diagnostics.map(({ message }) => message).join('; ') };
    return { result: 'crashed', detail: String((error as Error).stack).slice(0, 400) };
  }
}
