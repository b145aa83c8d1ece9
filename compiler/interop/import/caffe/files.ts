/** The files of a net: texts (nets, solvers, label maps), weights, means. Each is known by what it holds. */
import { readFile } from 'node:fs/promises';
import { importUnreadable, importUnsupported } from '../../../diagnostics/catalogue';
import { SpecError } from '../../../diagnostics/errors';
import type { Location } from '../../../diagnostics/location';
import { reasonOf } from '../../../data/paths';
import { parseText, type TextMessage } from '../../formats/caffe/text';
import { readBlobFile, readNet, WireError, type CaffeBlob, type CaffeWeights } from '../../formats/caffe/wire';
import type { SourceFile } from '../importer';
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
  readonly labels: readonly TextFile[];
  readonly weights: readonly { readonly path: string; readonly net: CaffeWeights }[];
  readonly means: readonly { readonly path: string; readonly blob: CaffeBlob }[];
}

export const isText = ({ head }: SourceFile): boolean =>
  head.length > 0 && !head.some((byte) => byte === 0 || (byte < 32 && ![9, 10, 12, 13].includes(byte)));

const startOf = (file: string): Location => ({ file, line: 1, column: 1, length: 1 });

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
      const message = parseText(path, text);
      if (isNet(message)) found.nets.push({ path, message });
      else if (isSolver(message)) found.solvers.push({ path, message });
      else if (message.fields.some(({ name }) => name === 'item')) found.labels.push({ path, message });
      else throw new SpecError([importUnsupported(startOf(path), `\`${path}\` is neither a net nor a solver`)]);
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
