/** Text files as streams of text or of lines, in a named encoding, without ever holding more than a part. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { DataFileError } from '../idx_file';
import { reasonOf } from '../paths';

export const ENCODINGS = ['utf8', 'latin1'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** Text that a source holds at most. */
export const MAX_TEXT_BYTES = 2 ** 30;
const MAX_LINE = 2 ** 26;

/** The text in pieces. Throws a DataFileError for what is no file, too large or not in the encoding. */
export async function* textOf(file: string, encoding: Encoding): AsyncGenerator<string> {
  const info = await stat(file).catch((error: unknown) => {
    throw new DataFileError(reasonOf(error));
  });
  if (!info.isFile()) throw new DataFileError(info.isDirectory() ? 'it is a folder' : 'it is not a regular file');
  if (info.size > MAX_TEXT_BYTES) throw new DataFileError(`holds more than ${MAX_TEXT_BYTES / 2 ** 30} GiB of text`);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
  const decode = (bytes?: Buffer): string => {
    if (encoding === 'latin1') return bytes?.toString('latin1') ?? '';
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch {
      throw new DataFileError('is not UTF-8 text; where it is Latin-1, say `encoding: latin1`');
    }
  };
  try {
    for await (const bytes of createReadStream(file, { highWaterMark: 1 << 18 })) yield decode(bytes as Buffer);
    yield decode();
  } catch (error) {
    throw error instanceof DataFileError ? error : new DataFileError(reasonOf(error));
  }
}

/** Line after line, without their ends; numbered from 1 by whoever counts. */
export async function* linesOf(file: string, encoding: Encoding): AsyncGenerator<string> {
  let rest = '';
  for await (const text of textOf(file, encoding)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    if (rest.length > MAX_LINE) throw new DataFileError('has a line of more than 64 Mi characters');
    for (const line of lines) yield withoutReturn(line);
  }
  if (rest !== '') yield withoutReturn(rest);
}

export async function wholeText(file: string, encoding: Encoding): Promise<string> {
  const parts: string[] = [];
  let length = 0;
  for await (const text of textOf(file, encoding)) {
    length += text.length;
    if (length > MAX_LINE * 4) throw new DataFileError('holds more than 256 Mi characters');
    parts.push(text);
  }
  return parts.join('');
}

const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);
