/**
 * The worker that holds libhdf5 (in WebAssembly, through h5wasm). The main thread never loads it: a file that makes it
 * hang or fail costs this thread and nothing else. It does what `h5_protocol.ts` lists, one request after the other,
 * on one open file; what the file means is the main thread's business.
 */
import { parentPort } from 'node:worker_threads';
import { confine, innermost } from './h5_confine';
import {
  H5_BYTES,
  type H5Dataset,
  type H5Listing,
  type H5Op,
  type H5Request,
  type H5Requests,
  type H5Type,
  type H5Value,
} from './h5_protocol';

const confinement = confine();
const MAX_OBJECTS = 200_000;
const MAX_DEPTH = 64;

const CODES: Readonly<Record<H5Type, string>> = { f32: '<f', f64: '<d', u8: '<B', u16: '<H', i32: '<i', i64: '<q' };

type Library = typeof import('h5wasm/node');

async function start(): Promise<{ readonly h5: Library; readonly wasm: Awaited<Library['ready']> }> {
  const h5 = await import('h5wasm/node');
  return { h5, wasm: await h5.ready };
}

const library = start();
let file: bigint | undefined;

class Hdf5Failure extends Error {
  override readonly name = 'Hdf5Failure';
  constructor(
    message: string,
    readonly code?: string,
  ) {
    super(message);
  }
}

/** libhdf5 tells of failures on standard error; some calls of the binding drop the status. */
function check(): void {
  const trouble = confinement.takeTrouble();
  if (trouble) throw new Hdf5Failure(innermost(trouble.text), trouble.code);
}

function openFile(): bigint {
  if (file === undefined) throw new Hdf5Failure('no file is open');
  return file;
}

/** Runs with memory of libhdf5 that is given back. */
function withMemory<T>(wasm: Awaited<Library['ready']>, bytes: number, use: (pointer: number) => T): T {
  const pointer = wasm._malloc(Math.max(bytes, 1));
  if (pointer === 0) throw new Hdf5Failure('not enough memory', 'ENOMEM');
  try {
    return use(pointer);
  } finally {
    wasm._free(pointer);
  }
}

const big = (shape: readonly number[]): bigint[] => shape.map(BigInt);

const handlers: { [O in H5Op]: (args: H5Requests[O]['args']) => Promise<H5Requests[O]['reply']> } = {
  async create({ path }) {
    const { wasm } = await library;
    confinement.allow(path);
    // Version 1.8 of the format: checksummed metadata, read by everything since 2008.
    const id = wasm.open(path, wasm.H5F_ACC_TRUNC, false, wasm.H5F_LIBVER_V18, wasm.H5F_LIBVER_V18);
    check();
    file = id;
    return undefined;
  },

  async group({ path }) {
    const { wasm } = await library;
    wasm.create_group(openFile(), path, false);
    check();
    return undefined;
  },

  async attribute({ object, name, value }) {
    const { h5 } = await library;
    new h5.Group(openFile(), object).create_attribute(
      name,
      value,
      typeof value === 'number' ? [] : null,
      typeof value === 'number' ? '<q' : null,
    );
    check();
    return undefined;
  },

  async dataset({ path, type, shape, data }) {
    const { h5, wasm } = await library;
    const metadata = {
      ...h5.dtype_to_metadata(CODES[type]),
      shape: big(shape),
      maxshape: null,
      chunks: null,
      compression: 0,
      compression_opts: [],
      track_order: false,
    };
    const make = (pointer: number): number => wasm.create_dataset(openFile(), path, BigInt(pointer), metadata);
    if (data) {
      withMemory(wasm, data.length, (pointer) => {
        wasm.HEAPU8.set(data, pointer);
        make(pointer);
      });
      check();
    } else {
      // Makes the dataset and then fails to write from no memory, which is what is wanted: the parts come later.
      make(0);
      const trouble = confinement.takeTrouble();
      if (trouble?.code !== undefined || !/no (input|output) buffer/.test(trouble?.text ?? '')) {
        throw new Hdf5Failure(innermost(trouble?.text ?? 'the dataset was not made'), trouble?.code);
      }
    }
    return undefined;
  },

  async write({ path, offset, count, data }) {
    const { wasm } = await library;
    const status = withMemory(wasm, data.length, (pointer) => {
      wasm.HEAPU8.set(data, pointer);
      const strides = count.map(() => 1n);
      return wasm.set_dataset_data(openFile(), path, big(count), big(offset), strides, BigInt(pointer));
    });
    check();
    if (status < 0) throw new Hdf5Failure('the data could not be written');
    return undefined;
  },

  async open({ path }) {
    const { h5, wasm } = await library;
    confinement.allow(path);
    const id = wasm.open(path, wasm.H5F_ACC_RDONLY, false, -1, -1);
    check();
    file = id;
    return list(h5, wasm, id);
  },

  async attributes({ objects }) {
    const { h5, wasm } = await library;
    const id = openFile();
    return objects.map((object) => {
      const kind = wasm.get_type(id, object);
      confinement.takeTrouble();
      if (kind !== wasm.H5G_GROUP && kind !== wasm.H5G_DATASET) return {};
      const names = wasm.get_attribute_names(id, object);
      check();
      const found: Record<string, H5Value> = {};
      for (const name of names) found[name] = plain(h5, id, object, name);
      return found;
    });
  },

  async read({ path, offset, count, bytes }) {
    const { wasm } = await library;
    return withMemory(wasm, bytes, (pointer) => {
      const strides = count.map(() => 1n);
      const [counts, offsets] = count.length === 0 ? [null, null] : [big(count), big(offset)];
      const status = wasm.get_dataset_data(openFile(), path, counts, offsets, strides, BigInt(pointer));
      check();
      if (status < 0) throw new Hdf5Failure('the data could not be read');
      return wasm.HEAPU8.slice(pointer, pointer + bytes);
    });
  },

  async close() {
    const { wasm } = await library;
    const id = openFile();
    file = undefined;
    const status = wasm.close_file(id);
    confinement.allow(undefined);
    check();
    if (status < 0) throw new Hdf5Failure('the file could not be closed');
    return undefined;
  },
};

/** An attribute as text, number or list of them. */
function plain(h5: Library, id: bigint, object: string, name: string): H5Value {
  const attribute = new h5.Attribute(id, object, name);
  check();
  const elements = (attribute.shape ?? []).reduce((product, extent) => product * extent, 1);
  if (elements > MAX_OBJECTS) throw new Hdf5Failure(`the attribute '${name}' has too many elements`);
  const value: unknown = attribute.json_value;
  check();
  const isPlain = (item: unknown): item is string | number => typeof item === 'string' || typeof item === 'number';
  if (isPlain(value)) return value;
  if (!Array.isArray(value)) return undefined;
  const items = value as unknown[];
  return items.every(isPlain) ? items : undefined;
}

function list(h5: Library, wasm: Awaited<Library['ready']>, id: bigint): H5Listing {
  const datasets: H5Dataset[] = [];
  const foreign: string[] = [];
  let objects = 0;
  const visit = (group: string, depth: number): void => {
    const names = wasm.get_names(id, group, false);
    check();
    for (const name of names) {
      const path = group === '/' ? `/${name}` : `${group}/${name}`;
      if (++objects > MAX_OBJECTS || depth > MAX_DEPTH) throw new Hdf5Failure('too many objects, or links in a circle');
      const kind = wasm.get_type(id, path);
      // A link to another file complains that it can't be followed; that is as it should be.
      confinement.takeTrouble();
      if (kind === wasm.H5G_GROUP) visit(path, depth + 1);
      else if (kind === wasm.H5G_DATASET) datasets.push(describe(h5, wasm, id, path));
      else foreign.push(path);
    }
  };
  visit('/', 0);
  const attributes: Record<string, string | number> = {};
  for (const name of wasm.get_attribute_names(id, '/')) {
    const value = new h5.Attribute(id, '/', name).json_value;
    if (typeof value === 'string' || typeof value === 'number') attributes[name] = value;
  }
  const state = wasm.get_type(id, '/state') === wasm.H5G_GROUP && stateOf(h5, wasm, id);
  check();
  return { datasets, attributes, foreign, ...(typeof state === 'string' ? { state } : {}) };
}

function stateOf(h5: Library, wasm: Awaited<Library['ready']>, id: bigint): unknown {
  const names = wasm.get_attribute_names(id, '/state');
  return names.includes('json') ? new h5.Attribute(id, '/state', 'json').json_value : undefined;
}

function describe(h5: Library, wasm: Awaited<Library['ready']>, id: bigint, path: string): H5Dataset {
  const metadata = wasm.get_dataset_metadata(id, path);
  check();
  const { size, signed, type: kind } = metadata;
  const shape = metadata.shape ?? [];
  const integer = kind === wasm.H5T_class_t.H5T_INTEGER.value;
  const float = kind === wasm.H5T_class_t.H5T_FLOAT.value;
  const word = float ? `f${8 * size}` : integer ? `${signed ? 'i' : 'u'}${8 * size}` : `HDF5 class ${kind}`;
  const readable = word in H5_BYTES && metadata.virtual_sources === undefined && metadata.shape !== null;
  const marked = size <= 2 && wasm.get_attribute_names(id, path).includes('dtype');
  const dtype = marked ? new h5.Attribute(id, path, 'dtype').json_value : undefined;
  check();
  return {
    path,
    type: readable ? (word as H5Type) : undefined,
    described: metadata.virtual_sources ? 'a virtual dataset' : word,
    shape,
    ...(typeof dtype === 'string' ? { dtype } : {}),
  };
}

async function answer(request: H5Request): Promise<void> {
  const port = parentPort!;
  try {
    const handler = handlers[request.op] as (args: H5Request['args']) => Promise<H5Requests[H5Op]['reply']>;
    const value = await handler(request.args);
    const transfer = value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : [];
    port.postMessage({ id: request.id, ok: true, value }, transfer);
  } catch (error) {
    // The binding's own exceptions say less than what libhdf5 wrote before them.
    const trouble = error instanceof Hdf5Failure ? undefined : confinement.takeTrouble();
    const code = error instanceof Hdf5Failure ? error.code : trouble?.code;
    const message = innermost(trouble?.text ?? '') || (error as Error).message || 'libhdf5 failed';
    port.postMessage({ id: request.id, ok: false, message, ...(code === undefined ? {} : { code }) });
  }
}

/** Requests are answered in the order they came. */
let last: Promise<void> = Promise.resolve();
parentPort!.on('message', (request: H5Request) => {
  last = last.then(() => answer(request));
});
