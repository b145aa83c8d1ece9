/** `--format c`: the prediction of a model as one C99 file that needs nothing but `math.h` and `string.h`. */
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '../../../diagnostics/errors';
import type { Spec } from '../../../frontend/spec';
import { neededWeights } from '../../../train/trained';
import { VERSION } from '../../../version';
import { writeAtomically } from '../../../weights/atomic';
import type { Exported, Exporter, ExportRequest } from '../exporter';
import { isBatched, normalizationOf } from '../prediction';
import { writeC, type CFile } from './file';
import { readyForC } from './model';

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  weights: ['const', 'binary'],
  workspace: ['static', 'caller'],
};

export const c: Exporter = {
  format: 'c',
  summary: 'one C99 file with the weights, and a header; no library, no allocation',
  options: {
    weights: 'const (arrays of the file) or binary (FILE.bin, given to NAME_load)',
    workspace: 'static (memory of the file) or caller (given with each call, which makes them independent)',
  },
  run,
};

async function run(request: ExportRequest): Promise<Exported> {
  const { spec, weights, options } = request;
  for (const [name, value] of Object.entries(options)) {
    const choices = CHOICES[name] ?? [];
    if (!choices.includes(value))
      throw new UsageError(`--option ${name} takes ${choices.join(' or ')}, not '${value}'`);
  }
  neededWeights(spec, weights, 'a C file');
  const out = request.out.replace(/\.c$/i, '');
  isBatched(spec, request.batch);
  const batch = request.batch ?? 1;
  const ready = await readyForC(spec, weights, batch);
  const file = writeC(ready.graph, ready.tensors, {
    name: spec.name,
    batch,
    caller: options['workspace'] === 'caller',
    binary: options['weights'] === 'binary',
    about: aboutModel(spec),
  });
  const files = [`${out}.c`, `${out}.h`];
  if (file.weights) {
    const bytes = file.weights;
    files.push(`${out}.bin`);
    await writeAtomically(`${out}.bin`, (temporary) => writeFile(temporary, bytes));
  }
  await writeAtomically(`${out}.h`, (temporary) => writeFile(temporary, file.header));
  await writeAtomically(`${out}.c`, (temporary) => pipeline(Readable.from(file.source), createWriteStream(temporary)));
  return { files, remarks: remarksOf(spec, file, path.basename(out)) };
}

function aboutModel(spec: Spec): string[] {
  return [`Written by dlc ${VERSION} (dlc export --format c).`, ...normalization(spec)];
}

/** What `dlc predict` does to bytes before the model sees them. */
function normalization(spec: Spec): string[] {
  const texts = normalizationOf(spec).map(([field, text]) => `${field}: ${text}`);
  if (texts.length === 0) return [];
  return [`Inputs are numbers as the model sees them. Its data section makes them of bytes with ${texts.join(', ')}.`];
}

/** Constants from which on a compiler's time and memory are felt. */
const MANY = 2_000_000;

function remarksOf(spec: Spec, { weights, constants }: CFile, name: string): string[] {
  const remarks = normalization(spec);
  if (weights) remarks.push(`the weights are in ${name}.bin: hand its bytes to the loader first`);
  if (constants > MANY) {
    const millions = Math.round(constants / 1e6);
    remarks.push(`${name}.c holds ${millions} million weights as text; --option weights=binary makes it small`);
  }
  return remarks;
}
