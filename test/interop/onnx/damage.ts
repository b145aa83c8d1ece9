/** Damage to ONNX models, and what importing them may end with. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { InternalError, SpecError } from '../../../compiler/diagnostics/errors';
import { importModel } from '../../../compiler/interop/import/import';
import { below, mutateBytes, mutateMessage, pick, type Random } from '../../soak/mutate';

/** Of the process's own time, so that a busy machine is no mistake. */
const LONGEST_SECONDS = 2;

/** Imports one damaged model; a word for what became of it. Anything but a located error, in time, is thrown. */
export async function importDamaged(folder: string, random: Random, models: readonly string[]): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'damaged.onnx');
  const source = pick(random, models);
  const good = readFileSync(source);
  writeFileSync(file, damaged(good, random));
  const began = process.cpuUsage();
  const outcome = await outcomeOf(file, random() < 0.5);
  const { user, system } = process.cpuUsage(began);
  const seconds = (user + system) / 1e6;
  if (seconds > LONGEST_SECONDS)
    throw new InternalError(`${source}, damaged, took ${seconds.toFixed(1)} s: ${outcome}`);
  return outcome;
}

/** Cut off, changed anywhere, or with other fields in its messages. */
function damaged(good: Uint8Array, random: Random): Uint8Array {
  const kind = below(random, 8);
  if (kind === 0) return good.subarray(0, below(random, good.length));
  return kind < 3 ? mutateBytes(good, random) : mutateMessage(good, random);
}

async function outcomeOf(file: string, blocks: boolean): Promise<string> {
  try {
    await importModel([file], { blocks, from: 'onnx' });
    return 'read';
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    const [first] = error.diagnostics;
    if (first!.at.file === '') throw new InternalError(`an error without a place: ${first!.message}`);
    return first!.code;
  }
}
