/**
 * `metrics.jsonl`: one JSON object a line, for every step and every evaluation. A resumed run first cuts the
 * file back to the step of its checkpoint, so that no step stands in it twice and no line is torn.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { writeFault, writeFile } from './run-folder';

export interface MetricsLine {
  readonly step: number;
  readonly epoch: number;
  readonly split: 'train' | 'eval';
  readonly loss: number;
  readonly [name: string]: number | string;
}

export class MetricsLog {
  readonly #fd: number;

  /** Appends to `file`; lines after step `keepUpTo` of an earlier run are dropped first. */
  constructor(
    readonly file: string,
    keepUpTo: number,
  ) {
    const kept = readMetrics(file).filter((line) => line.step <= keepUpTo);
    writeFile(file, kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
    try {
      this.#fd = openSync(file, 'a');
    } catch (error) {
      throw writeFault(file, error);
    }
  }

  append(lines: readonly MetricsLine[]): void {
    if (lines.length === 0) return;
    try {
      writeSync(this.#fd, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    } catch (error) {
      throw writeFault(this.file, error);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Every whole line of the file; a line torn by a kill is left out. */
export function readMetrics(file: string): MetricsLine[] {
  if (!existsSync(file)) return [];
  const lines: MetricsLine[] = [];
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    if (text === '') continue;
    try {
      lines.push(JSON.parse(text) as MetricsLine);
    } catch {
      break;
    }
  }
  return lines;
}
