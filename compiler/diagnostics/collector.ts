/**
 * Collects the diagnostics of a phase, so that all of them are reported together: sorted by place, one message once
 * (however many uses of a block repeat it), and bounded in number.
 */
import { InternalError, SpecError } from './errors';
import { CODES, isCode } from './codes';
import type { Diagnostic } from './diagnostic';

/** More errors, or more warnings, than this help nobody; the rest is counted, not kept. */
const LIMIT = 1000;

export class Collector {
  private readonly found = new Map<string, Diagnostic>();
  private readonly repeats = new Map<string, number>();
  private errorCount = 0;
  private warningCount = 0;
  private repeatedErrors = 0;

  report(diagnostic: Diagnostic): void {
    if (!isCode(diagnostic.code)) throw new InternalError(`diagnostic code '${diagnostic.code}' is not in the table`);
    const { code, at, message } = diagnostic;
    const key = [code, at.file, at.line, at.column, message].join('\0');
    if (this.found.has(key)) {
      if (diagnostic.severity === 'error') this.repeatedErrors++;
      this.repeats.set(key, (this.repeats.get(key) ?? 0) + 1);
      return;
    }
    const isError = diagnostic.severity === 'error';
    const before = isError ? this.errorCount++ : this.warningCount++;
    if (before < LIMIT) this.found.set(key, diagnostic);
  }

  /** How many errors so far: tells whether something in between went wrong. */
  get errors(): number {
    return this.errorCount + this.repeatedErrors;
  }

  get hasErrors(): boolean {
    return this.errorCount > 0;
  }

  /** Sorted by file, line and column. */
  all(): readonly Diagnostic[] {
    const kept = [...this.found].map(([key, diagnostic]) => this.withRepeats(diagnostic, this.repeats.get(key) ?? 0));
    return sortDiagnostics(kept);
  }

  /** The end of a phase: one error with everything in it, if there was any. */
  throwIfErrors(): void {
    if (this.hasErrors) throw new SpecError(this.all());
  }

  private withRepeats(diagnostic: Diagnostic, repeats: number): Diagnostic {
    const throughBlock = diagnostic.notes.some((note) => note.message.startsWith('in block '));
    if (repeats === 0 || !throughBlock) return diagnostic;
    const message = `the same in ${repeats} other expansion${repeats === 1 ? '' : 's'} of it`;
    return { ...diagnostic, notes: [...diagnostic.notes, { message }] };
  }
}

export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  // Not localeCompare: the order must be the same on every machine.
  const byFile = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...diagnostics].sort(
    ({ at: a }, { at: b }) => byFile(a.file, b.file) || a.line - b.line || a.column - b.column,
  );
}

/** Leaves out the warnings with these codes. Errors can't be silenced. */
export function silence(diagnostics: readonly Diagnostic[], codes: readonly string[]): Diagnostic[] {
  return diagnostics.filter((d) => d.severity === 'error' || !codes.includes(d.code));
}

/** The codes that may be silenced. */
export function warningCodes(): string[] {
  return Object.entries(CODES).flatMap(([code, info]) => (info.severity === 'warning' ? [code] : []));
}
