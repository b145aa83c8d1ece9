/** The common pen of the catalogue: builds a diagnostic, and says lists of words the way people do. */
import { CODES, type Code } from './codes';
import type { Diagnostic, Note } from './diagnostic';
import type { BlockUse, Location } from './location';
import { foreign, nearest, respelled } from './nearest';

export interface Extras {
  readonly hint?: string | undefined;
  readonly notes?: readonly Note[] | undefined;
}

export function make(code: Code, at: Location, message: string, extras: Extras = {}): Diagnostic {
  const { hint, notes = [] } = extras;
  return { code, severity: CODES[code].severity, message, at, notes, ...(hint === undefined ? {} : { hint }) };
}

/** Adds the way through block expansion: "in block `residual`, used here". */
export function through(diagnostic: Diagnostic, via: readonly BlockUse[]): Diagnostic {
  if (via.length === 0) return diagnostic;
  const uses = [...via].reverse().map((use) => ({ message: `in block \`${use.block}\`, used here`, at: use.at }));
  return { ...diagnostic, notes: [...diagnostic.notes, ...uses] };
}

/**
 * "did you mean `kernel`?" or "it is `units` here", else the known words if they are few enough to read. `exact` is
 * said of a word that means something elsewhere: before words that are merely near.
 */
export function suggest(word: string, known: readonly string[], what: string, exact?: string): string | undefined {
  const ours = foreign(word, known);
  const same = respelled(word, known);
  if (same !== undefined)
    return `did you mean \`${same}\`${ours === undefined || ours === same ? '' : ` or \`${ours}\``}?`;
  if (ours !== undefined) return `it is \`${ours}\` here`;
  if (exact !== undefined) return exact;
  const near = nearest(word, known);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  return known.length === 0 ? undefined : `${what}: ${listed(known)}`;
}

/** `a`, `b` and 7 more */
export function listed(words: readonly string[], limit = 24, last = 'and'): string {
  const shown = words.slice(0, limit).map((word) => `\`${word}\``);
  if (words.length > limit) return `${shown.join(', ')} ${last} ${words.length - limit} more`;
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} ${last} ${shown[shown.length - 1]!}`;
}

/** "1 input", "2 inputs" */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
}

/** A value as it would be written, short enough for a message. */
export function quoteValue(value: unknown): string {
  if (value === null) return 'nothing';
  if (typeof value === 'string') return value.length > 40 ? `text "${value.slice(0, 40)}…"` : `text "${value}"`;
  const text = (JSON.stringify(value) as string | undefined) ?? 'nothing';
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  if (Array.isArray(value)) return `the list ${shown}`;
  if (typeof value === 'object') return `the mapping ${shown}`;
  return shown;
}
