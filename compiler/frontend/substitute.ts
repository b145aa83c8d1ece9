/**
 * `$name` and `${…}` in the texts of a layer, replaced by values. A text that is only a reference becomes a value of the
 * parameter's own type; within a longer text the value is written out. `$$` stands for one `$`.
 */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { evaluate, type Scope } from '../expression/evaluate';
import { ExpressionError } from '../expression/syntax';
import { fromJson, partLocation, textOf, type DocNode, type Entry, type ScalarNode } from './node';
import type { Json } from './spec';

/** What expressions can see, and where that is. */
export interface Parameters {
  /** Name of the block; undefined at the top level, where there are no parameters. */
  readonly block: string | undefined;
  readonly values: Scope;
  /** Names that were read. */
  readonly used: Set<string>;
  report(diagnostic: Diagnostic): void;
}

/** Fields that are kept as they are written: expressions of their own, or names. */
const VERBATIM: ReadonlySet<string> = new Set(['when', 'name']);

/** The same node where there is nothing to replace. */
export function substitute(node: DocNode, parameters: Parameters): DocNode {
  if (node.kind === 'scalar')
    return typeof node.value === 'string' ? substituteText(node, node.value, parameters) : node;
  if (node.kind === 'list') {
    const items = node.items.map((item) => substitute(item, parameters));
    return items.every((item, i) => item === node.items[i]) ? node : { ...node, items };
  }
  let entries: Map<string, Entry> | undefined;
  for (const [name, entry] of node.entries) {
    const value = substitute(entry.value, parameters);
    if (value === entry.value) continue;
    entries ??= new Map(node.entries);
    entries.set(name, { key: entry.key, value });
  }
  return entries === undefined ? node : { ...node, entries };
}

/** The fields of a layer: all but those with a meaning before expansion, and `own` ones, which are expanded by themselves. */
export function substituteFields<T extends DocNode>(node: T, parameters: Parameters, own: readonly string[] = []): T {
  if (node.kind !== 'map') return node;
  let entries: Map<string, Entry> | undefined;
  for (const [name, entry] of node.entries) {
    if (VERBATIM.has(name) || own.includes(name)) continue;
    const value = substitute(entry.value, parameters);
    if (value === entry.value) continue;
    entries ??= new Map(node.entries);
    entries.set(name, { key: entry.key, value });
  }
  return entries === undefined ? node : { ...node, entries };
}

function substituteText(node: ScalarNode, text: string, parameters: Parameters): DocNode {
  if (!text.includes('$')) return node;
  if (/^\$[A-Za-z_]\w*$/.test(text)) return valueNode(compute(text, 0, node, parameters), node);
  if (text.startsWith('${') && text.indexOf('}') === text.length - 1) {
    return valueNode(compute(text.slice(2, -1), 2, node, parameters), node);
  }
  let result = '';
  let rest = 0;
  for (const match of text.matchAll(/\$\$|\$\{([^}]*)\}|\$\{|\$[A-Za-z_]\w*/g)) {
    result += text.slice(rest, match.index);
    rest = match.index + match[0].length;
    if (match[0] === '$$') result += '$';
    else if (match[1] !== undefined) result += textOf(compute(match[1], match.index + 2, node, parameters));
    else {
      const problem = match[0] === '${' ? '`${` without a `}`' : `\`${match[0]}\` inside of a longer text`;
      const hint =
        match[0] === '${' ? undefined : `write \`\${…}\` around the whole expression, or \`$$\` for a plain \`$\``;
      parameters.report(
        say.badExpression(partLocation(node, { offset: match.index, length: match[0].length }), problem, hint),
      );
    }
  }
  return { ...node, value: result + text.slice(rest) };
}

function valueNode(value: Json | undefined, at: ScalarNode): DocNode {
  return fromJson(value ?? null, at);
}

/** The value of an expression that stands in `node` from `offset` on; undefined where it is wrong, which is reported. */
export function compute(text: string, offset: number, node: ScalarNode, parameters: Parameters): Json | undefined {
  try {
    return evaluate(text, parameters.values, parameters.used);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const at = partLocation(node, { offset: offset + error.offset, length: error.length });
    const { block, values } = parameters;
    parameters.report(
      error.unknown === undefined
        ? say.badExpression(at, `in \`${text.trim()}\`: ${error.message}`)
        : say.unknownName(at, error.unknown, [...values.keys()], block),
    );
    return undefined;
  }
}

/** A text that means itself when it is read again. */
export function escapeDollars(value: Json): Json {
  if (typeof value === 'string') return value.replace(/\$(?=[$A-Za-z_{])/g, '$$$$');
  if (Array.isArray(value)) return value.map((item: Json) => escapeDollars(item));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escapeDollars(item)]));
}
