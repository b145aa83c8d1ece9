/** Workflow commands that GitHub Actions turns into annotations on the lines of a pull request. */
import type { Diagnostic } from '../diagnostic';
import { formatLocation } from '../location';
import { endOf, type Report } from './report';

export function renderGithub({ diagnostics }: Report): string {
  return diagnostics.map(renderOne).join('');
}

function renderOne({ at, severity, code, message, hint, notes }: Diagnostic): string {
  const end = endOf(at);
  const properties = {
    file: at.file,
    line: at.line,
    endLine: end.line,
    col: at.column,
    endColumn: end.column,
    title: code,
  };
  const head = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
  const text = [
    message,
    ...(hint === undefined ? [] : [`hint: ${hint}`]),
    ...notes.map((note) => (note.at === undefined ? note.message : `${note.message} (${formatLocation(note.at)})`)),
  ].join('\n');
  return `::${severity} ${head.join(',')}::${escapeData(text)}\n`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
