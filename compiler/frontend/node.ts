/**
 * The located document: plain values in a tree in which every value and key knows its place in a text. The whole
 * frontend works on these, so a value that an override or a block parameter put somewhere still names its own origin.
 */
import type { Location } from '../diagnostics/location';
import type { Json, Locate } from './spec';

/** A text and its lines. */
export class SourceText {
  private starts: number[] | undefined;
  /** A layer of a block is located anew in every expansion; the place is the same. */
  private readonly located = new Map<number, Location>();

  constructor(
    readonly file: string,
    readonly text: string,
  ) {}

  /** The place of text[start, end); a range over several lines is underlined to the end of its first. */
  locate(start: number, end: number): Location {
    const key = start * 2 ** 26 + end;
    let location = this.located.get(key);
    if (location === undefined) {
      location = this.find(start, end);
      this.located.set(key, location);
    }
    return location;
  }

  private find(start: number, end: number): Location {
    const starts = (this.starts ??= lineStarts(this.text));
    const line = lineOf(starts, start);
    const lineStart = starts[line]!;
    const lineText = this.text.slice(lineStart, lineEnd(this.text, starts[line + 1]));
    const base = { file: this.file, line: line + 1, column: start - lineStart + 1, lineText };
    const lastLine = end > start ? lineOf(starts, end - 1) : line;
    if (lastLine === line) return { ...base, length: Math.max(1, end - start) };
    const shown = lineText.trimEnd().length - (start - lineStart);
    return { ...base, length: Math.max(1, shown), endLine: lastLine + 1, endColumn: end - starts[lastLine]! + 1 };
  }
}

/** text[start, end) of a source. */
export interface Range {
  readonly source: SourceText;
  readonly start: number;
  readonly end: number;
}

export interface ScalarNode extends Range {
  readonly kind: 'scalar';
  readonly value: null | boolean | number | string;
  /** The text stands in quotes, so that its first character is one after `start`. */
  readonly quoted: boolean;
}

export interface ListNode extends Range {
  readonly kind: 'list';
  readonly items: readonly DocNode[];
}

export interface Entry {
  readonly key: Range;
  readonly value: DocNode;
}

export interface MapNode extends Range {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
}

export type DocNode = ScalarNode | ListNode | MapNode;
export type Path = readonly (string | number)[];

export function locationOf(range: Range): Location {
  return range.source.locate(range.start, range.end);
}

export function scalar(value: ScalarNode['value'], range: Range): ScalarNode {
  return { kind: 'scalar', value, quoted: false, source: range.source, start: range.start, end: range.end };
}

export function child(node: DocNode | undefined, key: string | number): DocNode | undefined {
  if (node?.kind === 'map') return node.entries.get(String(key))?.value;
  if (node?.kind === 'list') return node.items[Number(key)];
  return undefined;
}

/** The node at a path, or the deepest one on the way that exists. */
export function deepest(node: DocNode, path: Path): DocNode {
  let current = node;
  for (const key of path) {
    const next = child(current, key);
    if (next === undefined) break;
    current = next;
  }
  return current;
}

/** The place of a path below a node; of the item itself where the path leads nowhere. */
export function locatorOf(node: DocNode): Locate {
  return (path, part) => {
    const found = deepest(node, path);
    return part === undefined || found.kind !== 'scalar' ? locationOf(found) : partLocation(found, part);
  };
}

/** The place of a part of a text; of the whole text where escapes, folding or parameters make it uncertain. */
export function partLocation(node: ScalarNode, { offset, length }: { offset: number; length: number }): Location {
  const from = node.start + (node.quoted ? 1 : 0);
  const written = node.source.text.slice(from, node.end - (node.quoted ? 1 : 0));
  if (written !== node.value) return locationOf(node);
  const range: Range = { source: node.source, start: from + offset, end: from + offset + Math.max(1, length) };
  return locationOf(range);
}

/** The place of the key that a path ends in, for mistakes in the key rather than in its value. */
export function keyLocation(node: DocNode, path: Path): Location {
  const parent = deepest(node, path.slice(0, -1));
  const last = path[path.length - 1];
  const entry = parent.kind === 'map' && last !== undefined ? parent.entries.get(String(last)) : undefined;
  return locationOf(entry?.key ?? deepest(node, path));
}

export function toJson(node: DocNode): Json {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toJson);
  const result: Record<string, Json> = {};
  for (const [key, { value }] of node.entries) setOwn(result, key, toJson(value));
  return result;
}

/** A value in the place of a text: texts as they are, the rest as JSON. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}

/** Plain values as a tree without places of its own: everything in it is located at `range`. */
export function fromJson(value: Json, range: Range): DocNode {
  const { source, start, end } = range;
  if (Array.isArray(value)) {
    return { kind: 'list', items: value.map((item: Json) => fromJson(item, range)), source, start, end };
  }
  if (value === null || typeof value !== 'object') return scalar(value, range);
  const entries = Object.entries(value as Record<string, Json>).map(([key, item]): [string, Entry] => [
    key,
    { key: range, value: fromJson(item, range) },
  ]);
  return { kind: 'map', entries: new Map(entries), source, start, end };
}

/** `__proto__` is a key like any other, never the prototype. */
export function setOwn(target: Record<string, Json>, key: string, value: Json): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  else target[key] = value;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return starts;
}

/** Where a line's text ends. A model may be one line of megabytes, so nothing here looks at the whole line. */
function lineEnd(text: string, nextStart: number | undefined): number {
  if (nextStart === undefined) return text.length;
  return text[nextStart - 2] === '\r' ? nextStart - 2 : nextStart - 1;
}

/** Index of the line that holds `offset`. */
function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
