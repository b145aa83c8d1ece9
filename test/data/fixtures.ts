/** What the tests of data sources share: sections, inputs and files made on the fly. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Dataset, OpenContext, TypedArray } from '../../compiler/data/define';
import { idxHeader } from '../../compiler/data/digits/builtin';
import { openData } from '../../compiler/data/open';
import { typedArray } from '../../compiler/data/typed_array';
import type { Diagnostic } from '../../compiler/diagnostics/diagnostic';
import { SpecError } from '../../compiler/diagnostics/errors';
import type { Origin } from '../../compiler/diagnostics/location';
import type { Fields, InputSpec, Mode, SectionSpec } from '../../compiler/frontend/spec';
import type { DType } from '../../compiler/ir/types';
import { elementCount } from '../../compiler/ir/types';

export const MODEL_FILE = 'model.yaml';

/** Every field of the section stands on a line of its own, from line 2 on in the order given. */
export function section(type: string, fields: Fields, file = MODEL_FILE): SectionSpec {
  const names = Object.keys(fields);
  const origin: Origin = { layer: 'data', at: { file, line: 1, column: 1, length: 1 }, via: [] };
  return {
    type,
    fields,
    origin,
    at: (at) => ({ file, line: at.length > 0 ? 2 + names.indexOf(String(at[0])) : 1, column: 1, length: 1 }),
  };
}

export function input(name: string, dtype: DType, shape: readonly (number | string)[]): InputSpec {
  const at = { file: MODEL_FILE, line: 100, column: 1, length: name.length };
  return { name, dtype, shape, origin: { layer: name, at, via: [] } };
}

export class Folder {
  readonly path = mkdtempSync(path.join(tmpdir(), 'dlc-test-'));

  at(...parts: string[]): string {
    return path.join(this.path, ...parts);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function context(folder: Folder, inputs: readonly InputSpec[], mode: Mode = 'train'): OpenContext {
  return { modelDir: folder.path, inputs, mode, cacheDir: folder.at('cache'), allowOutside: false };
}

export function open(given: SectionSpec, how: OpenContext): Promise<Dataset> {
  return openData(given, how);
}

/** The diagnostics of a source that must refuse to open. */
export async function problemsOf(opening: Promise<unknown>): Promise<readonly Diagnostic[]> {
  const error: unknown = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SpecError)) throw new TypeError(`expected a SpecError, not ${String(error)}`);
  return error.diagnostics;
}

export async function rows(
  dataset: Dataset,
  indices: readonly number[],
  how = { seed: 1, epoch: 0 },
): Promise<Record<string, TypedArray>> {
  const into = Object.fromEntries(
    dataset.fields.map(({ input: name, dtype, shape }) => [
      name,
      typedArray(dtype, indices.length * elementCount(shape)),
    ]),
  );
  await dataset.read(indices, how, into);
  return into;
}

export function idxBytes(shape: readonly number[], data: ArrayLike<number>): Buffer {
  return Buffer.concat([idxHeader(shape), Uint8Array.from(data)]);
}

/** 0, 1, 2, ... modulo 256. */
export function ramp(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => i);
}
