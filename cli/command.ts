/** What a verb of the command line is made of. One file a verb in `commands/`; `verbs.ts` lists them. */
import type { Command } from 'commander';

export interface Verb {
  /** Declares arguments, options and the action on commander's command object. */
  configure(command: Command): void;
}

export interface VerbEntry {
  readonly summary: string;
  /** Loaded only when the verb is used: starting up must not pay for the other verbs. */
  readonly load: () => Promise<Verb>;
}

/** DESIGN's exit codes. */
export const EXIT = { ok: 0, fault: 1, usage: 2, machine: 3, interrupted: 130 } as const;
