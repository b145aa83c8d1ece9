/** What the renderers render: the files that were looked at and what was found in them. */
import type { Diagnostic } from '../diagnostic';

export interface Report {
  readonly files: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  /** The verb that looked; `validate` where none is named. */
  readonly verb?: 'validate' | 'test';
}

export function countSeverity(diagnostics: readonly Diagnostic[], severity: Diagnostic['severity']): number {
  return diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
}

/** Where the range ends, one past its last character. */
export function endOf(at: Diagnostic['at']): { readonly line: number; readonly column: number } {
  return { line: at.endLine ?? at.line, column: at.endColumn ?? at.column + at.length };
}
