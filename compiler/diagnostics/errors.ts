/**
 * The three classes of failure say whose fault it is, and with that the exit code.
 * Nothing else is thrown on purpose anywhere in dlc.
 */
import type { Diagnostic } from './diagnostic';
import { formatLocation } from './location';

/** The user's file, weights or data are at fault (exit 1). Carries every diagnostic of the phase. */
export class SpecError extends Error {
  override readonly name = 'SpecError';
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => `${formatLocation(d.at)}: ${d.severity}: ${d.message} [${d.code}]`).join('\n'));
  }
}

/** The command line is at fault (exit 2). */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** The machine is at fault: out of memory, disk full, device lost, add-on missing (exit 3). */
export class RuntimeFault extends Error {
  override readonly name = 'RuntimeFault';
  constructor(
    readonly code: string,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** dlc itself is at fault; the only class that prints a stack trace. */
export class InternalError extends Error {
  override readonly name = 'InternalError';
}
