/**
 * `metrics.jsonl`: one JSON object a line, for every step and every evaluation. A resumed run first cuts the
 * file back to what its checkpoint knows of, so that no step stands in it twice and no line is torn.
 */
import { appendFileSync, closeSync, existsSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { writeFault } from './run-folder';

export interface MetricsLine {
  readonly step: number;
  readonly epoch: number;
  readonly split: 'train' | 'eval';
  readonly loss: number;
  readonly [name: string]: number | string;
}

export class MetricsLog {
  readonly #fd: number;

  /**
   * Appends to `file`. Of an earlier run's lines the first that `keep` refuses and all after it are cut off, in place:
   * nothing is lost where that is interrupted or the disk is full.
   */
  constructor(
    readonly file: string,
    keep: (line: MetricsLine) => boolean,
  ) {
    let size = 0;
    for (const { line, end } of wholeLines(file)) {
      if (!keep(line)) break;
      size = end;
    }
    try {
      this.#fd = openSync(file, 'a');
      ftruncateSync(this.#fd, size);
    } catch (error) {
      throw writeFault(file, error);
    }
  }

  append(lines: readonly MetricsLine[]): void {
    if (lines.length === 0) return;
    try {
      // Unlike one write, it goes on until all is written or the system says why not.
      appendFileSync(this.#fd, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    } catch (error) {
      throw writeFault(this.file, error);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Every whole line of the file up to one torn by a kill. */
export function readMetrics(file: string): MetricsLine[] {
  return wholeLines(file).map(({ line }) => line);
}

/** The lines with the offset in bytes at which each ends. */
function wholeLines(file: string): { readonly line: MetricsLine; readonly end: number }[] {
  if (!existsSync(file)) return [];
  const bytes = readFileSync(file);
  const lines = [];
  for (let begin = 0, end = 0; (end = bytes.indexOf('\n', begin) + 1) > 0; begin = end) {
    try {
      lines.push({ line: JSON.parse(bytes.toString('utf8', begin, end)) as MetricsLine, end });
    } catch {
      break;
    }
  }
  return lines;
}
