/**
 * YAML or JSON text → located document. The text is hostile: its size, depth and alias expansion are bounded before
 * anything recursive or quadratic touches it, and whatever is not plain data (tags, directives, merge keys) is refused.
 * What the document means is not this file's business.
 */
import { isUtf8 } from 'node:buffer';
import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, Parser } from 'yaml';
import type { CST, Document, Node, Pair, Scalar } from 'yaml';
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { Collector } from '../diagnostics/collector';
import { inOurWords } from './syntax';
import { locationOf, SourceText, type DocNode, type Entry, type Range } from './node';

export const MAX_BYTES = 16 * 2 ** 20;
/** Levels of nesting; 1,000 would overflow the stack of the composer. */
export const MAX_DEPTH = 100;
/** Words and punctuation marks, which is what parsing costs time for. */
export const MAX_TOKENS = 2_500_000;
/** Values after aliases are expanded. */
export const MAX_VALUES = 4_000_000;

export interface Parsed {
  readonly source: SourceText;
  /** Absent where there are errors. */
  readonly root?: DocNode;
  readonly diagnostics: readonly Diagnostic[];
}

export function parseText(input: string | Uint8Array, file: string, maxTokens = MAX_TOKENS): Parsed {
  const collector = new Collector();
  const { source, ok } = decode(input, file, collector);
  const root = ok ? compose(source, maxTokens, collector) : undefined;
  const diagnostics = collector.all();
  return collector.hasErrors || root === undefined ? { source, diagnostics } : { source, root, diagnostics };
}

function decode(input: string | Uint8Array, file: string, collector: Collector): { source: SourceText; ok: boolean } {
  const bytes = typeof input === 'string' ? Buffer.byteLength(input) : input.length;
  if (bytes > MAX_BYTES) {
    collector.report(say.fileTooLarge(new SourceText(file, '').locate(0, 0), bytes, MAX_BYTES));
    return { source: new SourceText(file, ''), ok: false };
  }
  if (typeof input === 'string') return { source: new SourceText(file, withoutMark(input)), ok: true };
  const bad = firstInvalidUtf8(input);
  if (bad === undefined)
    return { source: new SourceText(file, withoutMark(new TextDecoder().decode(input))), ok: true };
  const before = new TextDecoder().decode(input.subarray(0, bad));
  const source = new SourceText(file, before);
  collector.report(say.notUtf8(source.locate(before.length, before.length), bad, input[bad]!));
  return { source, ok: false };
}

function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

/** Offset of the first byte that is not UTF-8. */
function firstInvalidUtf8(bytes: Uint8Array): number | undefined {
  if (isUtf8(bytes)) return undefined;
  // Nothing says where: search for the longest prefix that decodes, a character cut off at its end not counted as a fault.
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (mayGoOn(bytes.subarray(0, middle))) low = middle;
    else high = middle - 1;
  }
  // That prefix may end inside of the bad character: go back to where it starts.
  let start = low;
  while (start > 0 && low - start < 3 && !isUtf8(bytes.subarray(0, start))) start--;
  return Math.min(start, bytes.length - 1);
}

function mayGoOn(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

function compose(source: SourceText, maxTokens: number, collector: Collector): DocNode | undefined {
  const tokens = tokenize(source, maxTokens, collector);
  if (tokens === undefined) return undefined;
  const composer = new Composer({ uniqueKeys: false, intAsBigInt: true, prettyErrors: false, keepSourceTokens: false });
  const documents = [...composer.compose(tokens)];
  const first = documents[0];
  for (const document of documents) reportProblems(document, source, collector);
  if (documents.length > 1) {
    const start = documents[1]!.range[0];
    const hint = 'write one model a file';
    collector.report(say.yamlFeature(source.locate(start, start), 'several documents in one file', hint));
  }
  if (first === undefined || first.contents === null || (isScalar(first.contents) && first.contents.value === null)) {
    if (!collector.hasErrors) collector.report(say.emptyFile(source.locate(0, 0)));
    return undefined;
  }
  if (collector.hasErrors) return undefined;
  return new Reader(source, collector).read(first.contents);
}

/** The parser of tokens is iterative and keeps its own stack, so depth is counted before anything recurses. */
function tokenize(source: SourceText, maxTokens: number, collector: Collector): CST.Token[] | undefined {
  const lexer = new Lexer();
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let count = 0;
  for (const lexeme of lexer.lex(source.text)) {
    if (++count > maxTokens) {
      collector.report(say.fileTooLong(source.locate(parser.offset, parser.offset), maxTokens));
      return undefined;
    }
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > MAX_DEPTH) {
      collector.report(say.tooDeep(source.locate(parser.offset, parser.offset), MAX_DEPTH));
      return undefined;
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

function reportProblems(document: Document.Parsed, source: SourceText, collector: Collector): void {
  for (const error of document.errors.slice(0, 100)) {
    const [start, end] = error.pos;
    const { problem, hint } = inOurWords(error.message);
    const clipped = Math.min(start, source.text.length);
    collector.report(say.yamlSyntax(source.locate(clipped, Math.max(clipped, end)), problem, hint));
  }
  const { yaml } = document.directives;
  if (yaml.explicit === true && yaml.version !== '1.2') {
    const start = Math.max(0, source.text.indexOf('%YAML'));
    collector.report(
      say.yamlFeature(source.locate(start, start + 5), 'other versions of YAML than 1.2', 'remove the `%YAML` line'),
    );
  }
}

/** Turns the composed nodes into ours, counting what aliases expand to. Recursion is bounded by MAX_DEPTH. */
class Reader {
  private readonly anchors = new Map<string, DocNode | 'open'>();
  private readonly sizes = new Map<DocNode, number>();

  constructor(
    private readonly source: SourceText,
    private readonly collector: Collector,
  ) {}

  read(contents: Node): DocNode | undefined {
    const node = this.node(contents);
    if (this.sizeOf(node) > MAX_VALUES) {
      this.collector.report(say.aliasBomb(this.source.locate(0, 0), MAX_VALUES));
      return undefined;
    }
    return node;
  }

  private node(node: Node | null, emptyAt = 0): DocNode {
    if (node === null) return { kind: 'scalar', value: null, quoted: false, ...this.range([emptyAt, emptyAt]) };
    const range = this.range(node.range);
    if (isAlias(node)) return this.alias(node.source, range);
    if (node.tag !== undefined) {
      const hint = 'a model file is plain data: remove the tag';
      this.collector.report(say.yamlFeature(locationOf(range), `tags like \`${shortTag(node.tag)}\``, hint));
    }
    const { anchor } = node as { anchor?: string };
    if (anchor !== undefined) this.anchors.set(anchor, 'open');
    const result = isScalar(node) ? this.scalar(node, range) : this.collection(node, range);
    if (anchor !== undefined) this.anchors.set(anchor, result);
    return result;
  }

  private alias(name: string, range: Range): DocNode {
    const target = this.anchors.get(name);
    if (target !== undefined && target !== 'open') return target;
    const at = locationOf(range);
    this.collector.report(target === 'open' ? say.aliasOfItself(at, name) : say.unknownAlias(at, name));
    return { kind: 'scalar', value: null, quoted: false, ...range };
  }

  private scalar(node: Scalar, range: Range): DocNode {
    const quoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
    const at = (value: null | boolean | number | string): DocNode => ({ kind: 'scalar', value, quoted, ...range });
    const { value } = node;
    if (typeof value === 'bigint') {
      const exact = value >= -MAX_INTEGER && value <= MAX_INTEGER;
      if (!exact) this.collector.report(say.inexactInteger(locationOf(range), node.source ?? String(value)));
      return at(Number(value));
    }
    if (typeof value === 'number') {
      if (!Number.isFinite(value))
        this.collector.report(say.notFinite(locationOf(range), node.source ?? String(value)));
      return at(value);
    }
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return at(value);
    return at(node.source ?? '');
  }

  private collection(node: Node, range: Range): DocNode {
    if (isMap(node)) return this.map(node.items, range);
    const items = isSeq(node) ? node.items.map((item) => this.node(item as Node | null, range.start)) : [];
    return this.sized({ kind: 'list', items, ...range }, items);
  }

  private map(pairs: readonly Pair[], range: Range): DocNode {
    const entries = new Map<string, Entry>();
    for (const pair of pairs) {
      const key = this.key(pair, range);
      const value = this.node(pair.value as Node | null, key.range.end);
      if (key.name === undefined) continue;
      const first = entries.get(key.name);
      if (first === undefined) entries.set(key.name, { key: key.range, value });
      else this.collector.report(say.duplicateKey(locationOf(key.range), key.name, locationOf(first.key)));
    }
    return this.sized(
      { kind: 'map', entries, ...range },
      [...entries.values()].map((entry) => entry.value),
    );
  }

  /** Keys are texts; a number or `true` as a key is taken as it is written. */
  private key(pair: Pair, map: Range): { name: string | undefined; range: Range } {
    const node = pair.key as Node | null;
    const range = node === null ? this.range([map.start, map.start]) : this.range(node.range);
    if (!isScalar(node)) {
      this.collector.report(say.yamlFeature(locationOf(range), 'keys that are not plain words', 'write `key: value`'));
      return { name: undefined, range };
    }
    if (node.tag !== undefined) this.node(node);
    const name = typeof node.value === 'string' ? node.value : (node.source ?? '');
    if (name === '<<' && node.type === 'PLAIN') {
      const hint = 'use a block with parameters, or repeat the fields';
      this.collector.report(say.yamlFeature(locationOf(range), 'merge keys (`<<`)', hint));
    }
    return { name, range };
  }

  private sized<T extends DocNode>(node: T, children: readonly DocNode[]): T {
    this.sizes.set(
      node,
      children.reduce((sum, item) => sum + this.sizeOf(item), 1),
    );
    return node;
  }

  private sizeOf(node: DocNode): number {
    return this.sizes.get(node) ?? 1;
  }

  private range(range: readonly number[] | null | undefined): Range {
    const [start = 0, end = start] = range ?? [];
    return { source: this.source, start, end };
  }
}

const MAX_INTEGER = 2n ** 53n;

function shortTag(tag: string): string {
  return tag.replace(/^tag:yaml\.org,2002:/, '!!');
}
