/**
 * Weight files in HDF5, version 1 of the layout:
 *
 *   /                     attributes: format "dlc-weights", format_version, dlc_version, spec, spec_sha256,
 *                         weights_sha256, data (what was learned of the training data) and data_sha256, and in a checkpoint state_sha256
 *   /weights/<layer>/<param>
 *   /optimizer/<layer>/<param>/<slot>
 *   /state                attribute: json
 *
 * The checksums are over names, types and bytes, so that a file with any damage is known, whoever looks.
 */
import path from 'node:path';
import { createHash, type Hash } from 'node:crypto';
import type { Learned } from '../data/learned';
import { bytesIn, typedArray } from '../data/typed_array';
import { SpecError } from '../diagnostics/errors';
import type { Location } from '../diagnostics/location';
import { weightsCorrupt } from '../diagnostics/catalogue';
import type { Fields, Json } from '../frontend/spec';
import type { DType, Shape } from '../ir/types';
import { byteSizeOf, DTYPES, elementCount } from '../ir/types';
import { VERSION } from '../version';
import { blocksOf } from './blocks';
import type { LoadedWeights, Tensors, WeightContent, WeightTensor } from './content';
import { Hdf5Error, TIMED_OUT, withHdf5, type H5Session } from './h5_client';
import type { H5Dataset, H5Listing, H5Type } from './h5_protocol';
import { groupsOf, nameOf, pathOf } from './names';

const FORMAT = 'dlc-weights';
const FORMAT_VERSION = 1;

/** Bytes of one message between the threads. */
const BLOCK_BYTES = 16 * 2 ** 20;
/** Bytes on the way to the worker at most. */
const AHEAD_BYTES = 4 * BLOCK_BYTES;
const WRITE_LIMIT_MS = 300_000;
export const READ_LIMIT_MS = 30_000;

const STORED: Readonly<Record<DType, H5Type>> = {
  f32: 'f32',
  f64: 'f64',
  bf16: 'u16',
  u8: 'u8',
  i32: 'i32',
  i64: 'i64',
  bool: 'u8',
};

interface Part {
  readonly root: '/weights' | '/optimizer';
  readonly parts: 1 | 2;
  readonly checksum: 'weights_sha256' | 'state_sha256';
}
const WEIGHTS: Part = { root: '/weights', parts: 1, checksum: 'weights_sha256' };
const OPTIMIZER: Part = { root: '/optimizer', parts: 2, checksum: 'state_sha256' };

/** Tensors in the order of their paths, which is the order of writing, reading and summing. */
function sorted(part: Part, tensors: Tensors): (readonly [path: string, tensor: WeightTensor])[] {
  return [...tensors]
    .map(([name, tensor]) => [pathOf(part.root, name, part.parts), tensor] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

const describe = (path: string, dtype: DType, shape: Shape): string => `${path}\0${dtype}[${shape.join(',')}]\0`;

export async function writeHdf5(file: string, content: WeightContent): Promise<void> {
  const parts = [
    { part: WEIGHTS, tensors: sorted(WEIGHTS, content.tensors) },
    { part: OPTIMIZER, tensors: sorted(OPTIMIZER, content.optimizer ?? new Map()) },
  ].filter(({ part, tensors }) => part === WEIGHTS || tensors.length > 0 || content.state !== undefined);
  await withHdf5(WRITE_LIMIT_MS, async (session) => {
    const attribute = (object: string, name: string, value: string | number): Promise<undefined> =>
      session.ask('attribute', { object, name, value });
    await session.ask('create', { path: path.resolve(file) });
    await attribute('/', 'format', FORMAT);
    await attribute('/', 'format_version', FORMAT_VERSION);
    await attribute('/', 'dlc_version', VERSION);
    if (content.spec) {
      const spec = JSON.stringify(content.spec);
      await attribute('/', 'spec', spec);
      await attribute('/', 'spec_sha256', sha256(spec));
    }
    if (content.learned && Object.keys(content.learned).length > 0) {
      const learned = JSON.stringify(content.learned);
      await attribute('/', 'data', learned);
      await attribute('/', 'data_sha256', sha256(learned));
    }
    for (const { part, tensors } of parts) {
      const sum = createHash('sha256');
      const groups = new Set([part.root, ...groupsOf(tensors.map(([path]) => path))]);
      await Promise.all([...groups].map((path) => session.ask('group', { path })));
      await writeTensors(session, tensors, sum);
      if (part === OPTIMIZER) sum.update(JSON.stringify(content.state ?? null));
      await attribute('/', part.checksum, sum.digest('hex'));
    }
    if (content.state !== undefined) {
      await session.ask('group', { path: '/state' });
      await attribute('/state', 'json', JSON.stringify(content.state));
    }
    await session.ask('close', {});
  });
}

async function writeTensors(
  session: H5Session,
  tensors: readonly (readonly [string, WeightTensor])[],
  sum: Hash,
): Promise<void> {
  let ahead = 0;
  let pending: Promise<unknown>[] = [];
  const send = async (bytes: number, message: Promise<unknown>): Promise<void> => {
    ahead += bytes;
    pending.push(message);
    if (ahead < AHEAD_BYTES && pending.length < 256) return;
    const waited = pending;
    [ahead, pending] = [0, []];
    await Promise.all(waited);
  };
  for (const [path, { dtype, shape, data }] of tensors) {
    const bytes = bytesIn(data);
    const type = STORED[dtype];
    sum.update(describe(path, dtype, shape)).update(bytes);
    if (bytes.length <= BLOCK_BYTES) {
      const copy = bytes.slice();
      await send(bytes.length, session.ask('dataset', { path, type, shape, data: copy }, copy));
    } else {
      await send(0, session.ask('dataset', { path, type, shape }));
      for (const block of blocksOf(shape, BLOCK_BYTES / byteSizeOf(dtype))) {
        const size = byteSizeOf(dtype);
        const copy = bytes.slice(block.start * size, (block.start + block.length) * size);
        const { offset, count } = block;
        await send(copy.length, session.ask('write', { path, offset, count, data: copy }, copy));
      }
    }
    if (STORED[dtype] !== (dtype as string)) {
      await send(0, session.ask('attribute', { object: path, name: 'dtype', value: dtype }));
    }
  }
  await Promise.all(pending);
}

/** A tensor that the file says it holds. */
export interface ListedTensor {
  readonly name: string;
  readonly path: string;
  readonly dtype: DType | undefined;
  /** The element type in words, where it is none of ours. */
  readonly described: string;
  readonly shape: Shape;
}

export interface Listed {
  readonly weights: readonly ListedTensor[];
  readonly optimizer: readonly ListedTensor[];
  /** Whether there are arrays in other places. */
  readonly others: boolean;
}

export interface ReadOptions {
  /** Where the file was named, for diagnostics. */
  readonly at: Location;
  readonly name: string;
  /** Whether the optimizer's slots are wanted. */
  readonly optimizer: boolean;
  readonly limitMs: number;
  /** Called with the listing before anything is read; throws where the file is not what it should be. */
  readonly accept: (listed: Listed) => void;
}

export function readHdf5(file: string, options: ReadOptions): Promise<LoadedWeights> {
  return reading(file, options, async (session, listing, corrupt) => {
    const { attributes } = listing;
    const [weights, slots] = [tensorsIn(listing, WEIGHTS), tensorsIn(listing, OPTIMIZER)];
    const listed = { weights, optimizer: slots, others: listing.datasets.length > weights.length + slots.length };
    options.accept(listed);
    const tensors = await readPart(session, WEIGHTS, listed.weights, attributes, undefined, corrupt);
    const optimizer = options.optimizer
      ? await readPart(session, OPTIMIZER, listed.optimizer, attributes, listing.state ?? 'null', corrupt)
      : new Map<string, WeightTensor>();
    const { spec, data, ...versions } = specOf(listing, corrupt);
    return {
      tensors,
      optimizer,
      ...versions,
      ...(spec === undefined ? {} : { spec: parsed(spec, corrupt) as Fields }),
      ...(data === undefined ? {} : { learned: parsed(data, corrupt) as Learned }),
      ...(options.optimizer && listing.state !== undefined ? { state: parsed(listing.state, corrupt) } : {}),
    };
  });
}

/** The spec as JSON text and the versions, without any tensor. */
export function readHdf5Spec(file: string, options: Pick<ReadOptions, 'at' | 'name' | 'limitMs'>): Promise<SpecText> {
  return reading(file, options, (_session, listing, corrupt) => Promise.resolve(specOf(listing, corrupt)));
}

type Corrupt = (problem: string) => SpecError;

async function reading<T>(
  file: string,
  options: Pick<ReadOptions, 'at' | 'name' | 'limitMs'>,
  use: (session: H5Session, listing: H5Listing, corrupt: Corrupt) => Promise<T>,
): Promise<T> {
  const corrupt: Corrupt = (problem) => new SpecError([weightsCorrupt(options.at, options.name, problem)]);
  try {
    return await withHdf5(options.limitMs, async (session) => {
      const listing = await session.ask('open', { path: path.resolve(file) });
      const version = listing.attributes.format_version;
      if (typeof version === 'number' && version > FORMAT_VERSION) {
        throw corrupt(`is of version ${version}; this dlc reads version ${FORMAT_VERSION}`);
      }
      const result = await use(session, listing, corrupt);
      await session.ask('close', {});
      return result;
    });
  } catch (error) {
    if (!(error instanceof Hdf5Error)) throw error;
    if (error.code === TIMED_OUT) throw corrupt(`could not be read in time (${error.message})`);
    throw corrupt(explain(error.message));
  }
}

function tensorsIn(listing: H5Listing, part: Part): ListedTensor[] {
  return listing.datasets
    .filter(({ path }) => path.startsWith(`${part.root}/`))
    .map((dataset) => ({
      path: dataset.path,
      // A dataset too high up keeps its path as its name, and is then one that nobody expects.
      name: nameOf(part.root, dataset.path, part.parts) ?? dataset.path,
      dtype: dtypeOf(dataset),
      described: dataset.described,
      shape: dataset.shape,
    }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

function dtypeOf({ type, dtype }: H5Dataset): DType | undefined {
  const marked = DTYPES.find((known) => known === dtype);
  if (marked) return STORED[marked] === type ? marked : undefined;
  return DTYPES.find((known) => known === type);
}

async function readPart(
  session: H5Session,
  part: Part,
  listed: readonly ListedTensor[],
  attributes: H5Listing['attributes'],
  state: string | undefined,
  corrupt: Corrupt,
): Promise<Map<string, WeightTensor>> {
  const sum = createHash('sha256');
  const tensors = new Map<string, WeightTensor>();
  for (const { name, path, dtype, shape, described } of listed) {
    if (!dtype) throw corrupt(`\`${name}\` holds ${described}`);
    const data = typedArray(dtype, elementCount(shape));
    const bytes = bytesIn(data);
    const size = byteSizeOf(dtype);
    let coming: Promise<void> = Promise.resolve();
    sum.update(describe(path, dtype, shape));
    for (const block of blocksOf(shape, BLOCK_BYTES / size)) {
      const { offset, count, start, length } = block;
      const asked = session.ask('read', { path, offset, count, bytes: length * size });
      // One block is on its way while the one before is summed.
      const before = coming;
      coming = asked.then(async (read) => {
        await before;
        bytes.set(read, start * size);
        sum.update(read);
      });
      await before;
    }
    await coming;
    tensors.set(name, { dtype, shape, data });
  }
  if (state !== undefined) sum.update(state);
  const stored = attributes[part.checksum];
  if (stored !== undefined && stored !== sum.digest('hex')) {
    throw corrupt(
      part === WEIGHTS
        ? 'the weights are not those that were saved (the checksum differs); if they were changed on purpose, delete the attribute weights_sha256'
        : 'the optimizer state is not what was saved (the checksum differs)',
    );
  }
  return tensors;
}

interface SpecText {
  readonly spec?: string;
  /** What was learned of the training data, as JSON text. */
  readonly data?: string;
  readonly specSha256?: string;
  readonly dlcVersion?: string;
}

function specOf({ attributes }: H5Listing, corrupt: Corrupt): SpecText {
  const { spec, spec_sha256: specSha256, dlc_version: dlcVersion, data } = attributes;
  if (typeof spec === 'string' && specSha256 !== undefined && specSha256 !== sha256(spec)) {
    throw corrupt('the spec inside is not the one that was saved (the checksum differs)');
  }
  if (typeof data === 'string' && attributes.data_sha256 !== sha256(data)) {
    throw corrupt('what it holds of the training data is not what was saved (the checksum differs)');
  }
  return {
    ...(typeof spec === 'string' ? { spec } : {}),
    ...(typeof data === 'string' ? { data } : {}),
    ...(typeof specSha256 === 'string' ? { specSha256 } : {}),
    ...(typeof dlcVersion === 'string' ? { dlcVersion } : {}),
  };
}

function parsed(text: string, corrupt: Corrupt): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw corrupt('the spec or the state inside is not JSON');
  }
}

/** libhdf5's words for the common failures, in ours. */
function explain(message: string): string {
  if (/file signature not found|not an HDF5 file/i.test(message)) return 'not an HDF5 file';
  if (/truncated file/i.test(message)) return 'the file ends early';
  return `damaged (${message})`;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
