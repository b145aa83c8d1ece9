/**
 * Saves and loads the weights of a model. The format is behind a seam of two functions, so another one is a file like
 * `hdf5.ts` and a line here. What is loaded is compared with what the model expects before a byte of it is read.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Learned } from '../data/learned';
import { reasonOf } from '../data/paths';
import { weightsCorrupt, weightsMismatch, weightsMissing } from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { RuntimeFault, SpecError } from '../diagnostics/errors';
import type { Location } from '../diagnostics/location';
import { nearest } from '../diagnostics/nearest';
import type { DType, Shape } from '../ir/types';
import { bytesOf, formatType, sameType, tensorType } from '../ir/types';
import { writeAtomically } from './atomic';
import type { LoadedWeights, Tensors, WeightContent } from './content';
import type { AccountLine, Matching, WeightMap } from './matching';
import { fitted, loadForeign, loadOtherHdf5, matched } from './foreign';
import { isTensorFile as isForeign, modelOf } from './formats';
import { Hdf5Error } from './h5_client';
import { readHdf5, readHdf5Spec, READ_LIMIT_MS, writeHdf5, type ListedTensor } from './hdf5';
import { sourceOf, type WeightSource } from './source';

export type { LoadedWeights, Tensors, WeightContent, WeightTensor } from './content';

/** A state of the model that the file should hold. */
export interface ExpectedTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

export interface LoadOptions {
  /** The model's parameters and buffers; strict where given: nothing missing, nothing more, same shapes and dtypes. */
  readonly expected?: readonly ExpectedTensor[];
  /** Lets the file hold more than what is expected. */
  readonly more?: boolean;
  /** Lets what does not fit be, on both sides: the account says what. */
  readonly partial?: boolean;
  /** The optimizer's slots, likewise. Asking for them makes the file a checkpoint: its state is read too. */
  readonly expectedSlots?: readonly ExpectedTensor[];
  /** Read slots and state without saying which; for tools that look at any checkpoint. */
  readonly checkpoint?: boolean;
  /** Where the file was named; the file itself where it was found. */
  readonly at?: Location;
  /** Renames the tensors of the file. */
  readonly map?: WeightMap;
  /** The same for files that dlc did not write, where `map` is not given. */
  readonly foreignMap?: WeightMap;
  /** Longest wait for any one answer of libhdf5. */
  readonly limitMs?: number;
}

/** Without `expected`, a file whose tensors make more than this is not read. */
const MAX_UNASKED_BYTES = 2 ** 33;
export const MAX_REPORTED = 5;
/** What `dlc import` is for, by the extension. */
const FRAMEWORKS: Readonly<Record<string, string>> = {
  '.onnx': 'ONNX',
  '.keras': 'Keras',
  '.caffemodel': 'Caffe',
  '.prototxt': 'Caffe',
};

export async function saveWeights(file: string, content: WeightContent): Promise<void> {
  await writeAtomically(file, async (temporary) => {
    try {
      await writeHdf5(temporary, content);
    } catch (error) {
      if (!(error instanceof Hdf5Error) || error.code !== undefined) throw error;
      throw new RuntimeFault('cannot-write', `\`${file}\` could not be saved: ${error.message}`);
    }
  });
}

/** What the weights were trained on taught them of its encoding, without reading any tensor. */
export async function readLearned(from: string | WeightSource): Promise<Learned | undefined> {
  const { file, at: named } = sourceOf(from);
  const at = placeOf(file, named);
  await checkFile(file, at);
  if (await isForeign(file)) return undefined;
  const { data } = await readHdf5Spec(file, { at, name: file, limitMs: READ_LIMIT_MS });
  try {
    return data === undefined ? undefined : (JSON.parse(data) as Learned);
  } catch {
    throw new SpecError([weightsCorrupt(at, file, 'what it holds of the training data is not JSON')]);
  }
}

/** The model that a weight file carries, as JSON text, without reading any tensor. */
export async function readAttributes(
  file: string,
  options: Pick<LoadOptions, 'at' | 'limitMs'> = {},
): Promise<{ readonly spec: string; readonly dlcVersion?: string }> {
  const at = placeOf(file, options.at);
  await checkFile(file, at);
  const { spec, dlcVersion } = await readHdf5Spec(file, { at, name: file, limitMs: options.limitMs ?? READ_LIMIT_MS });
  if (spec === undefined)
    throw new SpecError([weightsCorrupt(at, file, 'carries no model: it has no attribute `spec`')]);
  return { spec, ...(dlcVersion === undefined ? {} : { dlcVersion }) };
}

export async function loadWeights(from: string | WeightSource, options: LoadOptions = {}): Promise<LoadedWeights> {
  const { file, onLoaded, ...settings } = sourceOf(from);
  const loaded = await load(file, { ...options, ...settings });
  onLoaded?.(loaded.account ?? []);
  return loaded;
}

async function load(file: string, options: LoadOptions): Promise<LoadedWeights> {
  const at = placeOf(file, options.at);
  await checkFile(file, at);
  const { expected, more = false, partial = false, map } = options;
  const foreignMap = map ?? options.foreignMap;
  const matching = { more: more || partial, partial };
  const asForeign = { at, expected, ...matching, ...(foreignMap ? { map: foreignMap } : {}) };
  const foreign = await loadForeign(file, asForeign);
  if (foreign !== undefined) return foreign;
  let ours = true;
  let found: Matching | undefined;
  const read = await readHdf5(file, {
    at,
    name: file,
    optimizer: options.checkpoint === true || options.expectedSlots !== undefined,
    limitMs: options.limitMs ?? READ_LIMIT_MS,
    accept({ weights, optimizer, others }) {
      ours = weights.length > 0 || !others;
      if (!ours) throw new SpecError([notOurs(at, file)]);
      const problems: Diagnostic[] = [];
      if (expected !== undefined && (map !== undefined || partial)) {
        const sources = weights.map((tensor) => ({ ...tensor, stored: tensor.described }));
        found = matched(file, at, sources, expected, { ...matching, ...(map ? { map } : {}) });
      } else compare(at, file, 'weights', weights, expected, problems, more);
      compare(at, file, 'optimizer state', optimizer, options.expectedSlots, problems);
      if (weights.length === 0 && problems.length === 0 && options.expected === undefined) {
        problems.push(weightsCorrupt(at, file, 'holds no weights: there is nothing in /weights'));
      }
      if (problems.length > MAX_REPORTED) {
        const more = problems.length - MAX_REPORTED;
        problems.splice(MAX_REPORTED, more, weightsMismatch(at, `\`${file}\`: ${more} more tensors do not fit`));
      }
      if (problems.length > 0) throw new SpecError(problems);
      if (options.expected === undefined) refuseHuge(at, file, [...weights, ...optimizer]);
    },
  }).catch((error: unknown) => {
    // With names for its tensors it is as good as any other file of them.
    if (ours || foreignMap === undefined) throw error;
    return undefined;
  });
  if (read === undefined) return await loadOtherHdf5(file, asForeign);
  if (found === undefined) return { ...read, account: loadedAsTheyAre(read.tensors, expected) };
  const { matches, account } = found;
  const tensors = matches.map(
    (match) => [match.target.name, fitted(read.tensors.get(match.source.name)!, match)] as const,
  );
  return { ...read, tensors: new Map(tensors), account };
}

function loadedAsTheyAre(tensors: Tensors, expected: readonly ExpectedTensor[] | undefined): readonly AccountLine[] {
  const wanted = expected && new Set(expected.map(({ name }) => name));
  return [...tensors.keys()].map((name): AccountLine =>
    wanted?.has(name) === false ? { fate: 'unused', source: name } : { fate: 'loaded', source: name, target: name },
  );
}

/** An HDF5 file of something else: Keras keeps its weights in such. */
function notOurs(at: Location, file: string): Diagnostic {
  const { message, hint } = modelOf('another program');
  return {
    ...weightsCorrupt(at, file, `holds no weights of dlc: ${message}`),
    ...(hint === undefined ? {} : { hint: `${hint}; or name its tensors with --map FILE or \`map:\`` }),
  };
}

function placeOf(file: string, at: Location | undefined): Location {
  return at ?? { file, line: 1, column: 1, length: 1 };
}

/** What can be told of a file without libhdf5. */
async function checkFile(file: string, at: Location): Promise<void> {
  const info = await stat(file).catch((error: unknown) => {
    const reason = reasonOf(error);
    const missing = reason === 'there is no such file';
    throw new SpecError([missing ? weightsMissing(at, file) : weightsCorrupt(at, file, reason)]);
  });
  const framework = FRAMEWORKS[path.extname(file).toLowerCase()];
  if (framework !== undefined) {
    const { message, hint } = modelOf(framework);
    throw new SpecError([{ ...weightsCorrupt(at, file, message), ...(hint === undefined ? {} : { hint }) }]);
  }
  // A folder of arrays.
  if (info.isDirectory()) return;
  if (!info.isFile()) throw new SpecError([weightsCorrupt(at, file, 'not a regular file')]);
  if (info.size === 0) throw new SpecError([weightsCorrupt(at, file, 'the file is empty')]);
}

function compare(
  at: Location,
  file: string,
  what: string,
  found: readonly ListedTensor[],
  expected: readonly ExpectedTensor[] | undefined,
  problems: Diagnostic[],
  partial = false,
): void {
  if (!expected) return;
  const byName = new Map(found.map((tensor) => [tensor.name, tensor]));
  const wanted = new Map(expected.map((tensor) => [tensor.name, tensor]));
  const extra = found.filter(({ name }) => !wanted.has(name));
  for (const tensor of expected) {
    const held = byName.get(tensor.name);
    if (!held) {
      const near = nearest(
        tensor.name,
        extra.map(({ name }) => name),
      );
      problems.push(
        weightsMismatch(
          at,
          `\`${file}\` has no ${what} for \`${tensor.name}\`, ${formatType(tensorType(tensor.dtype, tensor.shape))} in the model`,
          near === undefined ? undefined : `it has \`${near}\`, which the model has not`,
        ),
      );
      continue;
    }
    const type = held.dtype && tensorType(held.dtype, held.shape);
    if (type && sameType(type, tensorType(tensor.dtype, tensor.shape))) continue;
    const inFile = type ? formatType(type) : `${held.described}[${held.shape.join(',')}]`;
    problems.push(
      weightsMismatch(
        at,
        `\`${tensor.name}\` is ${inFile} in \`${file}\` and ${formatType(tensor)} in the model`,
        type?.dtype === 'f64' && tensor.dtype === 'f32' ? 'save it as float32' : undefined,
      ),
    );
  }
  if (partial) return;
  for (const { name } of extra) {
    const near = nearest(name, wanted.keys());
    problems.push(
      weightsMismatch(
        at,
        `\`${file}\` holds ${what} for \`${name}\`, which the model has not`,
        near === undefined || byName.has(near) ? undefined : `did you mean \`${near}\`?`,
      ),
    );
  }
}

function refuseHuge(at: Location, file: string, tensors: readonly ListedTensor[]): void {
  const bytes = tensors.reduce((sum, { dtype, shape }) => sum + (dtype ? bytesOf({ dtype, shape }) : 0), 0);
  if (bytes <= MAX_UNASKED_BYTES) return;
  const gib = (n: number): string => `${(n / 2 ** 30).toFixed(1)} GiB`;
  throw new SpecError([
    weightsCorrupt(at, file, `says it holds ${gib(bytes)} of tensors; the limit is ${gib(MAX_UNASKED_BYTES)}`),
  ]);
}
