/** The files of a net: texts (nets, solvers, label maps), weights, means. Each is known by what it holds. */
import { readFile } from 'node:fs/promises';
import { importUnreadable, importUnsupported } from '../../../diagnostics/catalogue';
import { SpecError } from '../../../diagnostics/errors';
import { readNpy } from '../../../data/npy';
import { reasonOf } from '../../../data/paths';
import { readH5 } from '../../formats/hdf5';
import { classNamesIn, isNameList, named, type ClassNames } from './labels';
import { parseText, type TextMessage } from '../../formats/caffe/text';
import { readBlobFile, readNet, WireError, type CaffeBlob, type CaffeWeights } from '../../formats/caffe/wire';
import { startOf, type SourceFile } from '../importer';
import { isNet } from './net';
import { isSolver } from './solver';

/** Texts of nets are a few hundred KiB; weights a few hundred MiB. */
const MAX_TEXT = 64 * 2 ** 20;
const MAX_WEIGHTS = 2 ** 31 - 1;

export interface TextFile {
  readonly path: string;
  readonly message: TextMessage;
}

export interface CaffeFiles {
  readonly nets: readonly TextFile[];
  readonly solvers: readonly TextFile[];
  readonly labels: readonly ClassNames[];
  readonly weights: readonly { readonly path: string; readonly net: CaffeWeights }[];
  readonly means: readonly { readonly path: string; readonly blob: CaffeBlob }[];
}

export const isText = ({ head }: SourceFile): boolean =>
  head.length > 0 && !head.some((byte) => byte === 0 || (byte < 32 && ![9, 10, 12, 13].includes(byte)));

const startsWith = ({ head }: SourceFile, bytes: readonly number[]): boolean =>
  bytes.every((byte, i) => head[i] === byte);
const isHdf5 = (file: SourceFile): boolean => startsWith(file, [0x89, 0x48, 0x44, 0x46]);
const isNpy = (file: SourceFile): boolean => startsWith(file, [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]);

export function unreadable(path: string, problem: string): SpecError {
  return new SpecError([importUnreadable(startOf(path), `\`${path}\` ${problem}`)]);
}

async function bytesOf({ path, size }: SourceFile, limit: number): Promise<Uint8Array> {
  if (size > limit) throw unreadable(path, `is larger than ${Math.floor(limit / 2 ** 20)} MiB`);
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, `cannot be read: ${reasonOf(error)}`);
  }
}

export async function readFiles(files: readonly SourceFile[]): Promise<CaffeFiles> {
  const found: { [K in keyof CaffeFiles]: CaffeFiles[K][number][] } = {
    nets: [],
    solvers: [],
    labels: [],
    weights: [],
    means: [],
  };
  for (const file of files) {
    const { path } = file;
    if (isText(file)) {
      const text = new TextDecoder().decode(await bytesOf(file, MAX_TEXT));
      if (isNameList(path, text.slice(0, file.head.length))) {
        found.labels.push({
          path,
          names: text
            .split('\n')
            .map(named)
            .filter((name) => name !== ''),
        });
        continue;
      }
      const message = parseText(path, text);
      if (isNet(message)) found.nets.push({ path, message });
      else if (isSolver(message)) found.solvers.push({ path, message });
      else if (message.fields.some(({ name }) => name === 'item')) found.labels.push(classNamesIn(path, message));
      else throw new SpecError([importUnsupported(startOf(path), `\`${path}\` is neither a net nor a solver`)]);
      continue;
    }
    if (isHdf5(file)) {
      found.weights.push({ path, net: await readHdf5Net(file) });
      continue;
    }
    if (isNpy(file)) {
      found.means.push({ path, blob: await readNpyBlob(path) });
      continue;
    }
    const bytes = await bytesOf(file, MAX_WEIGHTS);
    const isMean = /\.binaryproto$/i.test(path);
    try {
      if (isMean) found.means.push({ path, blob: readBlobFile(bytes) });
      else found.weights.push({ path, net: readNet(bytes) });
    } catch (error) {
      if (error instanceof WireError) throw unreadable(path, error.message);
      throw error;
    }
  }
  return found;
}

/** A `.caffemodel.h5`: the blobs of a layer are the datasets `/data/<layer>/<index>`. */
async function readHdf5Net({ path, size }: SourceFile): Promise<CaffeWeights> {
  return readH5(path, path, size, async (reader) => {
    const byLayer = new Map<string, CaffeBlob[]>();
    for (const dataset of reader.listing.datasets) {
      const match = /^\/?data\/(.+)\/(\d{1,3})$/.exec(dataset.path);
      if (match === null) continue;
      const tensor = await reader.tensor(dataset);
      if (tensor === undefined) throw unreadable(path, `has no numbers in \`${dataset.path}\``);
      const blobs = byLayer.get(match[1]!) ?? [];
      blobs[Number(match[2])] = { shape: dataset.shape, data: Float32Array.from(tensor.data, Number) };
      byLayer.set(match[1]!, blobs);
    }
    if (byLayer.size === 0) throw unreadable(path, 'holds no blobs under /data');
    const layers = [...byLayer].map(([name, blobs]) => {
      if (blobs.includes(undefined as never)) throw unreadable(path, `lacks a blob of \`${name}\``);
      return { name, type: '', blobs };
    });
    return { name: '', layers };
  });
}

async function readNpyBlob(path: string): Promise<CaffeBlob> {
  try {
    const { shape, data } = await readNpy(path);
    return { shape, data: Float32Array.from(data, Number) };
  } catch (error) {
    if (error instanceof Error) throw unreadable(path, `is no NumPy array: ${error.message}`);
    throw error;
  }
}
