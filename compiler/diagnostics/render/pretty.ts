/** For people: file:line:column, the source line with the place underlined, the hint and the notes. */
import type { Diagnostic, Note } from '../diagnostic';
import { formatLocation, type Location } from '../location';
import { countSeverity } from './report';

export interface PrettyOptions {
  readonly color?: boolean;
  /** Show at most this many; the rest is counted. */
  readonly limit?: number;
}

const ESC = '\u001b[';
const COLORS = { error: '31;1', warning: '33;1', hint: '36', dim: '2', bold: '1' } as const;
type Paint = (text: string, color: keyof typeof COLORS) => string;

/** A source line longer than this is cut around the place that matters. */
const WIDTH = 160;

export function renderPretty(diagnostics: readonly Diagnostic[], options: PrettyOptions = {}): string {
  const { color = false, limit = Infinity } = options;
  const paint: Paint = (text, name) => (color ? `${ESC}${COLORS[name]}m${text}${ESC}0m` : text);
  const parts = diagnostics.slice(0, limit).map((diagnostic) => renderOne(diagnostic, paint));
  if (diagnostics.length > limit) parts.push(`… and ${diagnostics.length - limit} more\n`);
  return parts.join('\n');
}

/** `2 errors, 1 warning`; empty where there is nothing. */
export function renderCounts(diagnostics: readonly Diagnostic[]): string {
  const errors = countSeverity(diagnostics, 'error');
  const warnings = countSeverity(diagnostics, 'warning');
  return [
    ...(errors > 0 ? [`${errors} error${errors === 1 ? '' : 's'}`] : []),
    ...(warnings > 0 ? [`${warnings} warning${warnings === 1 ? '' : 's'}`] : []),
  ].join(', ');
}

function renderOne({ at, severity, message, code, hint, notes }: Diagnostic, paint: Paint): string {
  const head = `${paint(formatLocation(at), 'bold')}: ${paint(severity, severity)}: ${printable(message)} ${paint(`[${code}]`, 'dim')}`;
  const gutter = ' '.repeat(String(at.line).length + 1);
  const lines = [head, ...excerpt(at, gutter, paint)];
  if (hint !== undefined) lines.push(`${gutter} = ${paint('hint', 'hint')}: ${printable(hint)}`);
  for (const note of notes) lines.push(`${gutter} = note: ${renderNote(note)}`);
  return `${lines.join('\n')}\n`;
}

function renderNote({ message, at }: Note): string {
  return at === undefined ? printable(message) : `${printable(message)} (${formatLocation(at)})`;
}

function excerpt(at: Location, gutter: string, paint: Paint): string[] {
  if (at.lineText === undefined || at.lineText.trim() === '') return [];
  let text = at.lineText;
  let start = Math.min(at.column - 1, text.length);
  let lead = '';
  if (text.length > WIDTH && start > WIDTH / 2) {
    const cut = start - WIDTH / 4;
    text = text.slice(cut);
    start -= cut;
    lead = '…';
  }
  const tail = text.length > WIDTH ? '…' : '';
  text = text.slice(0, WIDTH);
  const length = Math.max(1, Math.min(at.length, text.length - start));
  // A tab stays a tab under a tab, so that the caret lines up however wide tabs are shown.
  const blank = (lead + printable(text.slice(0, start))).replace(/[^\t]/g, (char) => ' '.repeat(cells(char)));
  const marked = Array.from(printable(text.slice(start, start + length))).reduce((sum, char) => sum + cells(char), 0);
  return [
    `${paint(`${String(at.line).padStart(gutter.length)} |`, 'dim')} ${lead}${printable(text)}${tail}`,
    `${paint(`${gutter} |`, 'dim')} ${blank}${paint('^'.repeat(Math.max(1, marked)), 'error')}`,
  ];
}

/** Terminal cells of a character: two for East Asian wide ones, as terminals draw them. */
function cells(char: string): number {
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(char)
    ? 2
    : 1;
}

/** A model file is hostile input: nothing in it may move the cursor or colour the terminal. */
function printable(text: string): string {
  return Array.from(text)
    .map((char) => (isControl(char.codePointAt(0) ?? 0) ? '\ufffd' : char))
    .join('');
}

function isControl(code: number): boolean {
  return (
    (code < 0x20 && code !== 0x09) ||
    (code >= 0x7f && code < 0xa0) ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  );
}
