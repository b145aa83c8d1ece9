/**
 * Trains a model of the zoo as `dlc train` does, with overrides, into a folder that is removed afterwards, and opens what
 * it has learned. Data that a test makes is written as NumPy files.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadSpec } from '../../compiler/frontend/load';
import { load, type LoadedModel } from '../../compiler/train/load';
import { runTraining } from '../../compiler/train/run';

export const MODELS = path.resolve(__dirname, '../../models');
const SHARED = path.resolve(__dirname, '../../../shared/data');

const silent = (): void => undefined;
const folders: string[] = [];

/** A folder of its own, until the tests of the file are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlc-zoo-'));
  folders.push(folder);
  return folder;
}

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** The path of a public data set beside the checkout; undefined, with a word about it, where there is none. */
export function publicData(name: string): string | undefined {
  const there = path.join(SHARED, name);
  if (existsSync(there)) return there;
  console.log(`SKIPPED: ../shared/data/${name} is not there`);
  return undefined;
}

export interface Learned {
  /** Of the evaluation at the end. */
  readonly figures: Readonly<Record<string, number>>;
  /** Of every evaluation, in order. */
  readonly history: readonly Readonly<Record<string, number | string>>[];
  readonly weights: string;
  readonly open: (batch: number) => Promise<LoadedModel>;
}

/** One thread and one seed: the same numbers on every run. */
export async function trainZoo(name: string, overrides: readonly string[]): Promise<Learned> {
  // Checkpoints are of no use here, and wait for the disk.
  const settings = ['train.checkpoint.every=1000000 steps', ...overrides];
  const spec = loadSpec(path.join(MODELS, `${name}.yaml`), { overrides: settings });
  const runRoot = temporaryFolder();
  const history: Record<string, number | string>[] = [];
  const options = { machine: { threads: 1 }, runRoot, seed: 1, resume: false, allowOutside: true, command: 'test' };
  const outcome = await runTraining(spec, options, {
    onStart: silent,
    onWarnings: silent,
    onData: silent,
    onProgress: silent,
    onEvaluation: (line) => history.push({ ...line }),
    onEvaluationProgress: silent,
    onCheckpoint: silent,
    shouldStop: () => false,
  });
  const { weights } = outcome.folder;
  return {
    figures: outcome.evaluation?.figures ?? {},
    history,
    weights,
    open: (batch) => load(weights, { batch, threads: 1 }),
  };
}

const NPY_TYPES = { f32: ['<f4', Float32Array], i32: ['<i4', Int32Array], bool: ['|b1', Uint8Array] } as const;

export interface Rows {
  readonly dtype: keyof typeof NPY_TYPES;
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** Writes arrays and gives the override that makes a data section of them. */
export function npyData(mode: 'train' | 'eval', arrays: Readonly<Record<string, Rows>>): string {
  const folder = temporaryFolder();
  const files = Object.entries(arrays).map(([input, { dtype, shape, values }]) => {
    const [descr, Type] = NPY_TYPES[dtype];
    const tuple = `(${shape.map((extent) => `${extent},`).join(' ')})`;
    const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
    const header = `${text.padEnd(64 * Math.ceil((text.length + 11) / 64) - 11)}\n`;
    const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length % 256, header.length >> 8]);
    const file = path.join(folder, `${input}.npy`);
    writeFileSync(file, Buffer.concat([start, Buffer.from(header), Buffer.from(Type.from(values).buffer)]));
    return `${input}: ${file}`;
  });
  return `data.${mode}={type: npy, arrays: {${files.join(', ')}}}`;
}
