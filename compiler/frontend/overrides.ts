/**
 * `key=value` from the command line, laid over the document before anything is checked: `train.epochs=3`,
 * `layers.conv1.filters=32`, `train.optimizer={type: adam, lr: 0.001}`. Values are YAML; nothing at all (`data.eval=`)
 * removes the key. What an override puts in is located in the pseudo file `<command line>`, whose line k is the k-th
 * override: paths from there are the user's own, and trusted. A length of the training takes the place of the file's.
 */
import * as say from '../diagnostics/catalogue';
import type { Collector } from '../diagnostics/collector';
import { UsageError } from '../diagnostics/errors';
import { COMMAND_LINE } from '../diagnostics/location';
import { child, locationOf, SourceText, type DocNode, type Entry, type MapNode, type Range } from './node';
import { parseText } from './parse';

export interface Overridden {
  readonly root: DocNode;
  /** The text behind `<command line>`, for messages. */
  readonly source: SourceText;
}

export function applyOverrides(root: DocNode, overrides: readonly string[], collector: Collector): Overridden {
  const lines = overrides.map((override) => override.replace(/\r?\n/g, ' '));
  const source = new SourceText(COMMAND_LINE, lines.join('\n'));
  let result = root;
  let offset = 0;
  for (const line of lines) {
    result = applyOne(result, line, { source, start: offset, end: offset + line.length }, collector);
    offset += line.length + 1;
  }
  return { root: result, source };
}

function applyOne(root: DocNode, line: string, range: Range, collector: Collector): DocNode {
  const equals = line.indexOf('=');
  const key = line.slice(0, equals).trim();
  if (equals < 0 || key === '' || key.split('.').includes('')) {
    throw new UsageError(`'${line}' is not an override`, 'write KEY=VALUE, as in train.epochs=3');
  }
  const value = parseValue(line, equals + 1, range, collector);
  if (value === undefined) return root;
  const keyRange = { source: range.source, start: range.start, end: range.start + equals };
  return put(root, key.split('.'), 0, { key: keyRange, value }, collector);
}

/** The value's text is parsed where it stands: behind as many blanks as there are characters before it. */
function parseValue(line: string, from: number, range: Range, collector: Collector): DocNode | undefined {
  const at = { source: range.source, start: range.start + from, end: range.end };
  if (line.slice(from).trim() === '') return { kind: 'scalar', value: null, quoted: false, ...at };
  const parsed = parseText(' '.repeat(from) + line.slice(from), COMMAND_LINE);
  for (const problem of parsed.diagnostics) {
    const hint = problem.hint ?? 'put the value in quotes: \'key="value"\'';
    collector.report({ ...problem, at: locationOf(at), hint });
  }
  return parsed.root === undefined ? undefined : moved(parsed.root, range.source, range.start);
}

/** The same node, its places shifted into the joined text of all overrides. */
function moved(node: DocNode, source: SourceText, by: number): DocNode {
  const shift = (range: Range): Range => ({ source, start: range.start + by, end: range.end + by });
  if (node.kind === 'scalar') return { ...node, ...shift(node) };
  if (node.kind === 'list') {
    return { kind: 'list', items: node.items.map((item) => moved(item, source, by)), ...shift(node) };
  }
  const entries = [...node.entries].map(([name, entry]): [string, Entry] => [
    name,
    { key: shift(entry.key), value: moved(entry.value, source, by) },
  ]);
  return { kind: 'map', entries: new Map(entries), ...shift(node) };
}

/** The document with the value at the path. Mappings that are not there yet are made; whether they may be is checked later. */
function put(node: DocNode, path: readonly string[], depth: number, entry: Entry, collector: Collector): DocNode {
  if (depth === path.length) return entry.value;
  const part = path[depth]!;
  const here = path.slice(0, depth + 1).join('.');
  if (node.kind === 'map') return putInMap(node, path, depth, entry, collector);
  if (node.kind === 'list') {
    const index = indexOf(node.items, part);
    if (index === undefined) {
      const names = node.items.map(nameOf).filter((name) => name !== undefined);
      collector.report(say.noSuchPath(locationOf(entry.key), here, part, names, node.items.length));
      return node;
    }
    const items = [...node.items];
    const replaced = put(items[index]!, path, depth + 1, entry, collector);
    if (depth + 1 === path.length && isNothing(entry.value)) items.splice(index, 1);
    else items[index] = replaced;
    return { ...node, items };
  }
  const parent = path.slice(0, depth).join('.');
  collector.report(
    say.badOverride(locationOf(entry.key), path.join('.'), `leads through \`${parent}\`, which is a plain value`),
  );
  return node;
}

function putInMap(node: MapNode, path: readonly string[], depth: number, entry: Entry, collector: Collector): MapNode {
  const part = path[depth]!;
  const entries = new Map(node.entries);
  const old = entries.get(part);
  const last = depth + 1 === path.length;
  if (last && isNothing(entry.value)) {
    entries.delete(part);
    return { ...node, entries };
  }
  const empty: MapNode = {
    kind: 'map',
    entries: new Map(),
    source: entry.key.source,
    start: entry.key.start,
    end: entry.value.end,
  };
  const other = last ? insteadOf(path) : undefined;
  // Two lengths on the command line are left to be refused together.
  if (other !== undefined && entries.get(other)?.key.source !== entry.key.source) entries.delete(other);
  const value = last ? entry.value : put(isMissing(old?.value) ? empty : old!.value, path, depth + 1, entry, collector);
  entries.set(part, { key: last || old === undefined ? entry.key : old.key, value });
  return { ...node, entries };
}

/** The field that the one at a path takes the place of. */
function insteadOf(path: readonly string[]): string | undefined {
  return { 'train.epochs': 'steps', 'train.steps': 'epochs' }[path.join('.')];
}

function isNothing(node: DocNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

function isMissing(node: DocNode | undefined): boolean {
  return node === undefined || isNothing(node);
}

/** Entries of a list are found by their `name`, or by their number from 0. */
function indexOf(items: readonly DocNode[], part: string): number | undefined {
  const named = items.findIndex((item) => nameOf(item) === part);
  if (named >= 0) return named;
  const index = /^\d+$/.test(part) ? Number(part) : -1;
  return index >= 0 && index < items.length ? index : undefined;
}

function nameOf(item: DocNode): string | undefined {
  const name = child(item, 'name');
  return name?.kind === 'scalar' && typeof name.value === 'string' ? name.value : undefined;
}
