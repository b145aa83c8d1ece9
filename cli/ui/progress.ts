/**
 * One line of live progress on a terminal; on anything else, a plain line now and then. Written to stderr so that
 * results on stdout stay clean.
 */

const REDRAW_MS = 100;
const PLAIN_MS = 10_000;
const BAR = 24;

export interface ProgressState {
  readonly done: number;
  readonly total: number;
  /** E.g. `epoch 3/10  loss 0.0341  lr 0.0098`. */
  readonly text: string;
  readonly itemsPerSecond?: number;
  readonly secondsLeft?: number;
}

export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min ${String(s % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

export function formatRate(perSecond: number): string {
  if (perSecond >= 10_000) return `${(perSecond / 1000).toFixed(1)}k/s`;
  return perSecond >= 100 ? `${perSecond.toFixed(0)}/s` : `${perSecond.toFixed(1)}/s`;
}

export class Progress {
  readonly #live = process.stderr.isTTY;
  // The first plain line waits too: short runs need none.
  #drawn = this.#live ? 0 : Date.now();
  #open = false;

  update(state: ProgressState): void {
    const now = Date.now();
    if (now - this.#drawn < (this.#live ? REDRAW_MS : PLAIN_MS)) return;
    this.#drawn = now;
    const part = state.total > 0 ? state.done / state.total : 1;
    const rate = state.itemsPerSecond === undefined ? '' : `${formatRate(state.itemsPerSecond)}  `;
    const timing = state.secondsLeft === undefined ? '' : `${rate}${formatDuration(state.secondsLeft)} left`;
    if (!this.#live) {
      process.stderr.write(`${(part * 100).toFixed(0).padStart(3)} %  ${state.text}  ${timing}\n`);
      return;
    }
    const filled = Math.round(part * BAR);
    const bar = `${'━'.repeat(filled)}${'╌'.repeat(BAR - filled)}`;
    const line = `${bar} ${(part * 100).toFixed(0).padStart(3)} %  ${state.text}  ${timing}`;
    process.stderr.write(`\r\x1b[2K${line.slice(0, (process.stderr.columns || 80) - 1)}`);
    this.#open = true;
  }

  /** Prints a line that stays, above the live one. */
  note(text: string): void {
    this.clear();
    process.stderr.write(`${text}\n`);
  }

  clear(): void {
    if (this.#open) process.stderr.write('\r\x1b[2K');
    this.#open = false;
  }
}
