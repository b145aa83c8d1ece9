/** What `dlc predict` is given: files for named inputs, or samples of a data section; both become whole arrays. */
import { dataCorrupt, dataMismatch, dataMissing, missingSection, unknownReference } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import type { Location } from '../diagnostics/location';
import { DataFileError } from '../data/idx_file';
import { IMAGE_FILE, readImageInput } from '../data/image';
import type { Learned } from '../data/learned';
import { readNpy, type NpyArray } from '../data/npy';
import { linesOf } from '../data/table/text_file';
import { encodeTexts, takesTexts } from '../data/text/given';
import { typedArray } from '../data/typed_array';
import type { InputSpec, SectionSpec, Spec } from '../frontend/spec';
import { elementCount } from '../ir/types';
import { existsSync } from 'node:fs';
import { openFeed, type FeedOptions } from './feed';
import { interfaceOf, type ModelInterface } from './interface';
import { asBatch, hasBatchAxis } from './predict';

export interface NamedFile {
  readonly input: string;
  readonly file: string;
}

export type InputArrays = Readonly<Record<string, NpyArray>>;

/** Files named on the command line; several for one input are joined along the batch axis. */
export async function readInputFiles(
  model: ModelInterface,
  files: readonly NamedFile[],
  learned: Learned = {},
): Promise<InputArrays> {
  const { needed: wanted, section } = model;
  const arrays: Record<string, NpyArray> = {};
  for (const { input: name, file } of files) {
    const at: Location = { file: '<command line>', line: 1, column: 1, length: 1 };
    const input = model.inputs.find((candidate) => candidate.name === name);
    if (!input || !wanted.includes(name))
      throw new SpecError([unknownReference(at, name, 'input of the prediction', wanted)]);
    const texts = takesTexts(learned, name) ? await readTextsOf(file, at) : undefined;
    const read = texts
      ? encodeTexts(texts, name, model.inputs, learned, (_, problem) => refuseText(at, file, problem))
      : { [name]: await readFile(input, section, file, at) };
    for (const [filled, array] of Object.entries(read).filter(([filled]) => wanted.includes(filled))) {
      const target = model.inputs.find((candidate) => candidate.name === filled)!;
      const batch = asBatch(target, array, at, section);
      const before = arrays[filled];
      if (before && !hasBatchAxis(target))
        throw new SpecError([dataMismatch(at, `the input \`${filled}\` takes one file`, [])]);
      arrays[filled] = before ? joined(before, batch) : batch;
    }
  }
  const missing = wanted.filter((name) => !(name in arrays));
  if (missing.length > 0) {
    throw new SpecError(
      missing.map((name) =>
        dataMismatch(model.at, `nothing is given for the input \`${name}\``, [], `--input ${name}=FILE.npy`),
      ),
    );
  }
  checkCounts(model, arrays);
  return arrays;
}

/** The first `count` samples of the predict section, or the eval section where there is none; {} where none are needed. */
export async function readSamples(spec: Spec, count: number, options: FeedOptions): Promise<InputArrays> {
  const { needed } = interfaceOf(spec);
  if (needed.length === 0) return {};
  const mode = spec.data.predict ? 'predict' : 'eval';
  if (!spec.data[mode]) throw new SpecError([missingSection(spec.at([]), 'data.eval', 'predict --samples')]);
  const feed = await openFeed(spec, mode, needed, options);
  const samples = Math.min(count, feed.samples);
  const read = await feed.read(0, 0, samples, false);
  const arrays = feed.dataset.fields.map(({ input: name, dtype, shape }) => {
    const input = spec.inputs.find((candidate) => candidate.name === name)!;
    const array = { dtype, shape: [samples, ...shape], data: read[name]! };
    // Samples that the data has one by one may have to be a certain number together.
    return [name, asBatch(input, array, input.origin.at)];
  });
  feed.close();
  return Object.fromEntries(arrays) as InputArrays;
}

/** The lines of a file, or the argument itself where there is no such file; nothing for arrays. */
async function readTextsOf(file: string, at: Location): Promise<readonly string[] | undefined> {
  if (file.endsWith('.npy')) return undefined;
  if (!existsSync(file)) return [file];
  const texts: string[] = [];
  try {
    for await (const line of linesOf(file, 'utf8')) texts.push(line);
  } catch (error) {
    throw error instanceof DataFileError ? new SpecError([dataCorrupt(at, file, error.message)]) : error;
  }
  if (texts.length === 0) throw new SpecError([dataCorrupt(at, file, 'holds no texts')]);
  return texts;
}

function refuseText(at: Location, file: string, problem: string): never {
  throw new SpecError([dataCorrupt(at, file, problem)]);
}

async function readFile(
  input: InputSpec,
  section: SectionSpec | undefined,
  file: string,
  at: Location,
): Promise<NpyArray> {
  if (!existsSync(file)) throw new SpecError([dataMissing(at, file)]);
  if (IMAGE_FILE.test(file)) return await readImageInput(file, input, section, at);
  try {
    return await readNpy(file);
  } catch (error) {
    if (error instanceof DataFileError) throw new SpecError([dataCorrupt(at, file, error.message)]);
    throw error;
  }
}

function joined(a: NpyArray, b: NpyArray): NpyArray {
  const shape = [a.shape[0]! + b.shape[0]!, ...a.shape.slice(1)];
  const data = typedArray(a.dtype, elementCount(shape));
  const into = data as { set(from: unknown, offset?: number): void };
  into.set(a.data);
  into.set(b.data, a.data.length);
  return { dtype: a.dtype, shape, data };
}

function checkCounts({ inputs, at }: ModelInterface, arrays: InputArrays): void {
  const batched = inputs.filter((input) => hasBatchAxis(input) && input.name in arrays);
  const counts = new Set(batched.map((input) => arrays[input.name]!.shape[0]));
  if (counts.size <= 1) return;
  const sides = batched.map((input) => ({
    name: input.name,
    type: `${arrays[input.name]!.shape[0]!} samples`,
    at: input.origin.at,
  }));
  throw new SpecError([dataMismatch(at, 'the inputs hold different numbers of samples', sides)]);
}
