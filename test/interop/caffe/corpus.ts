/** The corpus of Caffe's files beside the checkout, and models imported from it into a folder that is removed again. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { importModel, type Imported, type ImportOptions } from '../../../compiler/interop/import/import';
import { load, type LoadedModel } from '../../../compiler/train/load';
import type { WeightTensor } from '../../../compiler/weights/content';
import { saveWeights } from '../../../compiler/weights/files';
import { openNpz } from '../../../compiler/weights/formats/npz';

const CORPUS = path.resolve(__dirname, '../../../../shared/data/interop-caffe');
const folders: string[] = [];

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** The path of a file of the corpus. */
export const corpusFile = (file: string): string => path.join(CORPUS, file);

/** Whether the corpus is there; says so where it is not. */
export function hasCorpus(): boolean {
  if (existsSync(CORPUS)) return true;
  console.log('SKIPPED: ../shared/data/interop-caffe is not there');
  return false;
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-caffe-'));
  folders.push(folder);
  return folder;
}

export function imported(files: readonly string[], options: Partial<ImportOptions> = {}): Promise<Imported> {
  return importModel(files, { blocks: false, ...options });
}

/** Writes what was imported and opens it. */
export async function opened({ text, tensors, spec }: Imported): Promise<LoadedModel> {
  const folder = temporaryFolder();
  const model = path.join(folder, 'model.yaml');
  writeFileSync(model, text);
  const weights = path.join(folder, 'weights.h5');
  await saveWeights(weights, { tensors, spec: spec.resolved });
  return load(weights, { model });
}

export async function readNpz(file: string): Promise<Map<string, WeightTensor>> {
  const opened = await openNpz(file);
  try {
    const tensors = new Map<string, WeightTensor>();
    for (const stored of opened.tensors) {
      const data = await opened.read(stored);
      tensors.set(stored.name, data);
    }
    return tensors;
  } finally {
    await opened.close();
  }
}

/** The largest distance between two lists of numbers of one length. */
export function distance(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(Number(a[i]) - Number(b[i])));
  return most;
}
