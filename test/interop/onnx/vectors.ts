/** The test vectors of ONNX in the corpus: one model each, with inputs and what should come of them. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SpecError } from '../../../compiler/diagnostics/errors';
import type { Known } from '../../../compiler/interop/formats/onnx/tensor';
import { readModel, WireError } from '../../../compiler/interop/formats/onnx/wire';
import type { Imported } from '../../../compiler/interop/import/import';
import type { ImportSettings } from '../../../compiler/interop/import/importer';
import { CORPUS, differences, importOnnx, vectorsOf, type Sample } from './corpus';

export interface Vector {
  readonly suite: string;
  readonly test: string;
  /** The operator that it is about. */
  readonly family: string;
}

/** Those that ONNX Runtime gives the stored outputs for. */
export function allVectors(): Vector[] {
  const [head, ...lines] = readFileSync(path.join(CORPUS, 'MANIFEST.tsv'), 'utf8').trim().split('\n');
  const columns = head!.split('\t');
  const result = columns.findIndex((name) => name.startsWith('onnxruntime'));
  return lines.flatMap((line) => {
    const fields = line.split('\t');
    const [suite, test, family] = fields as [string, string, string];
    return fields[result] === 'pass' ? [{ suite, test, family }] : [];
  });
}

/** By the operators that they are about. */
export function byFamily(vectors: readonly Vector[]): ReadonlyMap<string, readonly Vector[]> {
  return grouped(vectors, ({ family }) => family);
}

function grouped(vectors: readonly Vector[], key: (vector: Vector) => string): Map<string, Vector[]> {
  const groups = new Map<string, Vector[]>();
  for (const vector of vectors) {
    const own = groups.get(key(vector));
    if (own === undefined) groups.set(key(vector), [vector]);
    else own.push(vector);
  }
  return groups;
}

/** Writes vectors into a folder, each as <suite>/<test>. */
export function unpack(vectors: readonly Vector[], folder: string): void {
  const suites = grouped(vectors, ({ suite }) => suite);
  for (const [suite, own] of suites) {
    const archive = path.join(CORPUS, `${suite}.tar.gz`);
    const names = own.map(({ test }) => `${suite}/${test}`);
    const { status, stderr } = spawnSync('tar', ['xzf', archive, '-C', folder, ...names], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${archive}: ${stderr}`);
  }
}

export type Outcome = { readonly equal: true } | { readonly refused: string } | { readonly wrong: string };

/** What becomes of a vector; what its import asks for, shapes and numbers of inputs, is told from its first data set. */
export async function outcomeOf(folder: string): Promise<Outcome> {
  const file = path.join(folder, 'model.onnx');
  const names = readModel(readFileSync(file)).graph!.inputs.map(({ name }) => name);
  try {
    const samples = vectorsOf(folder, names);
    const { imported, told } = await importTold(file, samples[0]!);
    for (const sample of told ? samples.slice(0, 1) : samples) {
      const different = await differences(imported, sample);
      if (different.length > 0) return { wrong: different.join('; ') };
    }
    return { equal: true };
  } catch (error) {
    if (error instanceof SpecError) return { refused: error.diagnostics.map(({ message }) => message).join('; ') };
    if (error instanceof WireError) return { refused: error.message };
    throw error;
  }
}

/** Imports a model; where that asks for `--bind` or `--shape`, once more with them. */
async function importTold(file: string, { inputs }: Sample): Promise<{ imported: Imported; told: boolean }> {
  const bind = new Map<string, Known>();
  const shapes = new Map<string, readonly number[]>();
  for (;;) {
    const settings: ImportSettings = { bind, inputs: shapes };
    try {
      return { imported: await importOnnx(file, settings), told: bind.size + shapes.size > 0 };
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      const hints = error.diagnostics.map(({ hint }) => hint ?? '').join('\n');
      const asked = (option: string): string[] =>
        [...hints.matchAll(new RegExp(`--${option} ([^=\`]+)=`, 'g'))]
          .map(([, name]) => name!)
          .filter((name) => inputs.has(name));
      const toBind = asked('bind').filter((name) => !bind.has(name));
      const toShape = asked('shape').filter((name) => !shapes.has(name));
      if (toBind.length + toShape.length === 0) throw error;
      toBind.forEach((name) => bind.set(name, inputs.get(name)!));
      toShape.forEach((name) => shapes.set(name, inputs.get(name)!.shape));
    }
  }
}
