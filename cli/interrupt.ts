/**
 * Ctrl-C asks for an orderly end once there is something to save; before that it ends the process as it does any. A second
 * one ends at once, by the signal itself: an orderly exit would wait for the step that the runtime's threads are in.
 */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export class Interrupt {
  #requested = false;

  constructor(private readonly onRequest: () => void) {}

  readonly requested = (): boolean => this.#requested;

  listen(): void {
    for (const signal of SIGNALS) process.on(signal, this.#hear);
  }

  release(): void {
    for (const signal of SIGNALS) process.off(signal, this.#hear);
  }

  readonly #hear = (signal: NodeJS.Signals): void => {
    if (this.#requested) {
      this.release();
      process.kill(process.pid, signal);
      return;
    }
    this.#requested = true;
    this.onRequest();
  };
}
