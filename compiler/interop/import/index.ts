/** The formats that `dlc import` reads, in the order in which they are asked whether a file is theirs. */
import { open } from 'node:fs/promises';
import { weightsMissing, importUnreadable, importUnsupported } from '../../diagnostics/catalogue';
import { SpecError, UsageError } from '../../diagnostics/errors';
import { reasonOf } from '../../data/paths';
import type { Draft } from '../draft';
import { CAFFE } from './caffe';
import { startOf, type Importer, type ImportSettings, type SourceFile } from './importer';
import { KERAS } from './keras';
import { ONNX } from './onnx';

export const IMPORTERS: readonly Importer[] = [CAFFE, KERAS, ONNX];

const HEAD = 4096;

/** Reads files of one format into a draft. */
export async function readModel(
  paths: readonly string[],
  format?: string,
  settings: ImportSettings = {},
): Promise<Draft> {
  const files = await Promise.all(paths.map(look));
  const importer = chooseImporter(files, format);
  if (importer !== ONNX && (settings.bind?.size ?? 0) > 0)
    throw new UsageError(`--bind is for models of ${ONNX.format}, not of ${importer.format}`);
  const draft = await importer.read(files, settings);
  draft.problems.throwIfErrors();
  const inputs = draft.entries.filter(({ kind }) => kind === 'input').map(({ source }) => source);
  const stranger = [...(settings.inputs?.keys() ?? [])].find((name) => !inputs.includes(name));
  if (stranger !== undefined)
    throw new UsageError(`--shape: the model has no input '${stranger}'`, `its inputs: ${inputs.join(', ')}`);
  return draft;
}

function chooseImporter(files: readonly SourceFile[], format: string | undefined): Importer {
  const names = IMPORTERS.map((importer) => importer.format).join(', ');
  if (format !== undefined) {
    const wanted = IMPORTERS.find((importer) => importer.format === format);
    if (wanted === undefined) throw new UsageError(`--from ${format} is not a format`, `the formats are ${names}`);
    return wanted;
  }
  const found = files.map((file) => IMPORTERS.find((importer) => importer.recognizes(file)));
  const strangers = files.filter((_, i) => found[i] === undefined);
  if (strangers.length > 0) {
    const hint = `the formats are ${names}; say which one with --from FORMAT`;
    throw new SpecError(
      strangers.map(({ path }) => importUnsupported(startOf(path), `\`${path}\` is of no format that is known`, hint)),
    );
  }
  const first = found[0]!;
  const other = found.find((importer) => importer !== first);
  if (other !== undefined) {
    throw new UsageError(`the files are of different formats: ${first.format} and ${other.format}`);
  }
  return first;
}

async function look(path: string): Promise<SourceFile> {
  try {
    const handle = await open(path, 'r');
    try {
      const info = await handle.stat();
      if (!info.isFile()) throw new SpecError([importUnreadable(startOf(path), `\`${path}\`: not a regular file`)]);
      const head = new Uint8Array(Math.min(HEAD, info.size));
      const { bytesRead } = await handle.read(head, 0, head.length, 0);
      return { path, head: head.subarray(0, bytesRead), size: info.size };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof SpecError) throw error;
    const reason = reasonOf(error);
    throw new SpecError([
      reason === 'there is no such file'
        ? weightsMissing(startOf(path), path)
        : importUnreadable(startOf(path), `\`${path}\`: ${reason}`),
    ]);
  }
}
