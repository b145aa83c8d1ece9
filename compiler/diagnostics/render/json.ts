/** For programs: the shape that `dlc validate --format json` promises. */
import type { Diagnostic } from '../diagnostic';
import { countSeverity, endOf, type Report } from './report';

export interface JsonDiagnostic {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly severity: Diagnostic['severity'];
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly notes: readonly {
    readonly message: string;
    readonly file?: string;
    readonly line?: number;
    readonly column?: number;
  }[];
}

/** `files` is the number of files checked. */
export function toJson({ files, diagnostics }: Report): {
  files: number;
  errors: number;
  warnings: number;
  diagnostics: JsonDiagnostic[];
} {
  return {
    files: files.length,
    errors: countSeverity(diagnostics, 'error'),
    warnings: countSeverity(diagnostics, 'warning'),
    diagnostics: diagnostics.map(diagnosticToJson),
  };
}

export function renderJson(report: Report): string {
  return `${JSON.stringify(toJson(report), null, 2)}\n`;
}

export function diagnosticToJson({ at, severity, code, message, hint, notes }: Diagnostic): JsonDiagnostic {
  const end = endOf(at);
  return {
    file: at.file,
    line: at.line,
    column: at.column,
    endLine: end.line,
    endColumn: end.column,
    severity,
    code,
    message,
    hint: hint ?? null,
    notes: notes.map((note) => ({
      message: note.message,
      ...(note.at === undefined ? {} : { file: note.at.file, line: note.at.line, column: note.at.column }),
    })),
  };
}
