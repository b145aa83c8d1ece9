/**
 * Reads the text that `print.ts` writes (the grammar stands there). For goldens, dumps and tools: the text was
 * written by dlc, so a mistake in it is an InternalError that names line and column.
 */
import { InternalError } from '../diagnostics/errors';
import type { BlockUse, Location, Origin } from '../diagnostics/location';
import type { Attrs, AttrValue, Graph, Node, Result, State, StateRole, Update, Value } from './graph';
import { DTYPES, type DType, type TensorType } from './types';

const ROLES: readonly string[] = ['parameter', 'buffer', 'slot', 'derived'] satisfies readonly StateRole[];

export function parseGraph(text: string): Graph {
  return new Parser(text).graph();
}

class Parser {
  #at = 0;
  /** Keyed with the sigil: inputs and node outputs share one name space, states have their own. */
  #values = new Map<string, Value>();

  constructor(readonly text: string) {}

  graph(): Graph {
    this.#word('graph');
    const name = this.#name();
    this.#punctuation('(');
    const inputs = this.#list(')', () => this.#binding('%', ':'));
    this.#punctuation('{');
    const states: State[] = [];
    while (this.#nextIs(/state\b/y)) states.push(this.#state());
    const nodes: Node[] = [];
    while (this.#nextIs(/%/y)) nodes.push(this.#node());
    const updates: Update[] = [];
    while (this.#nextIs(/update\b/y)) updates.push(this.#update());
    this.#word('return');
    const results = this.#list('}', () => this.#result());
    this.#space();
    if (this.#at < this.text.length) this.#fail('the end of the text');
    return { name, inputs, states, nodes, results, updates };
  }

  #state(): State {
    this.#word('state');
    const value = this.#binding('@', ':');
    const role = this.#match(/\w+/y, 'a role');
    if (!ROLES.includes(role)) this.#fail(`one of ${ROLES.join(', ')}`);
    return { value, role: role as StateRole, origin: this.#origin() };
  }

  #node(): Node {
    const names = [this.#sigilName('%')];
    while (this.#accept(',')) names.push(this.#sigilName('%'));
    this.#punctuation('=');
    const op = this.#name();
    this.#punctuation('(');
    const inputs = this.#list(')', () => this.#use());
    const attrs = this.#accept('{') ? this.#attrs() : {};
    this.#punctuation(':');
    const types = [this.#type()];
    while (this.#accept(',')) types.push(this.#type());
    if (types.length !== names.length) this.#fail(`${names.length} types`);
    const origin = this.#origin();
    const regions: Graph[] = [];
    while (this.#nextIs(/region\b/y)) regions.push(this.#region());
    const outputs = names.map((name, i) => this.#define('%', name, types[i] as TensorType));
    return { op, inputs, attrs, outputs, origin, ...(regions.length > 0 ? { regions } : {}) };
  }

  #region(): Graph {
    const around = this.#values;
    this.#values = new Map();
    this.#word('region');
    const name = this.#name();
    this.#punctuation('(');
    const inputs = this.#list(')', () => this.#binding('%', ':'));
    this.#punctuation('{');
    const nodes: Node[] = [];
    while (this.#nextIs(/%/y)) nodes.push(this.#node());
    this.#word('return');
    const results = this.#list('}', () => this.#result());
    this.#values = around;
    return { name, inputs, states: [], nodes, results, updates: [] };
  }

  #update(): Update {
    this.#word('update');
    const state = this.#use();
    this.#punctuation('=');
    return { state, value: this.#use() };
  }

  #result(): Result {
    if (this.#nextIs(/%/y)) {
      const value = this.#use();
      return { name: value.name, value };
    }
    const name = this.#name();
    this.#punctuation(':');
    return { name, value: this.#use() };
  }

  #attrs(): Attrs {
    const attrs: Record<string, AttrValue> = {};
    this.#list('}', () => {
      const key = this.#name();
      this.#punctuation(':');
      attrs[key] = this.#attr();
    });
    return attrs;
  }

  #attr(): AttrValue {
    if (this.#accept('[')) return this.#list(']', () => this.#attr()) as AttrValue;
    if (this.#nextIs(/"/y)) return this.#string();
    const word = this.#match(/-?[\w.]+(?:[+-]\d+)?/y, 'a value');
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'nan') return NaN;
    if (word === 'inf' || word === '-inf') return word === 'inf' ? Infinity : -Infinity;
    const value = Number(word);
    if (Number.isNaN(value)) this.#fail('a number');
    return value;
  }

  #origin(): Origin {
    this.#punctuation('//');
    const layer = this.#name();
    const at = this.#place();
    const via: BlockUse[] = [];
    while (this.#nextIs(/via\b/y)) {
      this.#word('via');
      via.push({ block: this.#name(), at: this.#place() });
    }
    return { layer, at, via };
  }

  #place(): Location {
    const file = this.#name();
    const rest = this.#match(/:(\d+):(\d+)(\+\d+)?(-[\d?]+:[\d?]+)?/y, 'line and column');
    const [, line, column, length, end] = /:(\d+):(\d+)(\+\d+)?(?:-([\d?]+:[\d?]+))?/.exec(rest) ?? [];
    const [endLine, endColumn] = (end ?? '?:?').split(':');
    return {
      file,
      line: Number(line),
      column: Number(column),
      length: length === undefined ? 1 : Number(length),
      ...(endLine === '?' ? {} : { endLine: Number(endLine) }),
      ...(endColumn === '?' ? {} : { endColumn: Number(endColumn) }),
    };
  }

  #type(): TensorType {
    const dtype = this.#match(/\w+/y, 'a dtype');
    if (!(DTYPES as readonly string[]).includes(dtype)) this.#fail(`one of ${DTYPES.join(', ')}`);
    this.#punctuation('[');
    const shape = this.#list(']', () => Number(this.#match(/\d+/y, 'an extent')));
    return { dtype: dtype as DType, shape };
  }

  #binding(sigil: '%' | '@', separator: ':'): Value {
    const name = this.#sigilName(sigil);
    this.#punctuation(separator);
    return this.#define(sigil, name, this.#type());
  }

  #define(sigil: '%' | '@', name: string, type: TensorType): Value {
    if (this.#values.has(sigil + name)) this.#fail(`a name other than ${sigil}${name}, which is taken`);
    const value = { name, type };
    this.#values.set(sigil + name, value);
    return value;
  }

  #use(): Value {
    const sigil = this.#match(/[%@]/y, 'a value');
    const name = this.#name();
    return this.#values.get(sigil + name) ?? this.#fail(`a defined value instead of ${sigil}${name}`);
  }

  #sigilName(sigil: '%' | '@'): string {
    this.#punctuation(sigil);
    return this.#name();
  }

  #name(): string {
    return this.#nextIs(/"/y) ? this.#string() : this.#match(/[\w./][\w./@-]*/y, 'a name');
  }

  #string(): string {
    return JSON.parse(this.#match(/"(?:[^"\\\n]|\\.)*"/y, 'a string')) as string;
  }

  #list<T>(close: string, item: () => T): T[] {
    const items: T[] = [];
    if (this.#accept(close)) return items;
    do items.push(item());
    while (this.#accept(','));
    this.#punctuation(close);
    return items;
  }

  #word(word: string): void {
    if (this.#match(/\w+/y, `'${word}'`) !== word) this.#fail(`'${word}'`);
  }

  #punctuation(mark: string): void {
    if (!this.#accept(mark)) this.#fail(`'${mark}'`);
  }

  #accept(mark: string): boolean {
    this.#space();
    if (!this.text.startsWith(mark, this.#at)) return false;
    this.#at += mark.length;
    return true;
  }

  #nextIs(pattern: RegExp): boolean {
    this.#space();
    pattern.lastIndex = this.#at;
    return pattern.test(this.text);
  }

  #match(pattern: RegExp, expected: string): string {
    this.#space();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) this.#fail(expected);
    this.#at += found.length;
    return found;
  }

  #space(): void {
    while (/\s/.test(this.text[this.#at] ?? '')) this.#at++;
  }

  #fail(expected: string): never {
    const before = this.text.slice(0, this.#at);
    const line = before.split('\n').length;
    const column = this.#at - before.lastIndexOf('\n');
    throw new InternalError(`IR text, line ${line}, column ${column}: expected ${expected}`);
  }
}
