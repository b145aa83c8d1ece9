/**
 * The `blocks:` of a model and of the files it includes, read and checked as definitions. What a use makes of them is
 * in `expand.ts`.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import * as say from '../diagnostics/catalogue';
import type { Collector } from '../diagnostics/collector';
import type { Definitions } from './definitions';
import { BLOCK, COMMON_LAYER, isIdentifier, isName, MODEL, PARAM, type ObjectShape } from './language';
import { child, locationOf, toJson, type DocNode, type MapNode, type Range, type ScalarNode } from './node';
import { parseText, MAX_BYTES } from './parse';
import type { Json } from './spec';
import { checkKeys, checkObject, checkValues } from './validate';

export const PARAM_TYPES = ['integer', 'number', 'string', 'boolean', 'list'] as const;
export type ParamType = (typeof PARAM_TYPES)[number];

export interface Param {
  readonly name: string;
  readonly type: ParamType;
  /** Absent: a use must give it. */
  readonly default?: Json;
  readonly key: Range;
}

export interface Block {
  readonly name: string;
  readonly node: MapNode;
  readonly key: Range;
  /** From an `include:`d file, where not every block has to be used. */
  readonly included: boolean;
  readonly params: ReadonlyMap<string, Param>;
  readonly inputs: readonly string[];
  readonly layers: readonly DocNode[];
  /** References in the block's own scope; empty: the last layer. */
  readonly outputs: readonly ScalarNode[];
  /** Marked as uses are expanded. */
  readonly usage: { used: boolean; readonly params: Set<string> };
}

export interface BlockContext {
  readonly collector: Collector;
  readonly definitions: Definitions;
  /** The model's folder; undefined for a model that came without a file, which cannot include. */
  readonly folder: string | undefined;
  readonly allowOutside: boolean;
}

const MAX_INCLUDES = 100;

/** What an included file may hold. */
const INCLUDED: ObjectShape = {
  fields: Object.fromEntries(
    ['dlc', 'name', 'description', 'include', 'blocks'].map((name) => [name, MODEL.fields[name]!]),
  ),
};

export function readBlocks(root: MapNode, context: BlockContext): Map<string, Block> {
  const blocks = new Map<string, Block>();
  addBlocks(child(root, 'blocks'), false, blocks, context);
  const seen = new Set<string>();
  addIncludes(child(root, 'include'), context.folder, [], seen, blocks, context);
  return blocks;
}

/** Whether a file is made to be included: it has blocks and nothing that makes a model of them. */
export const isBlockFile = (root: MapNode): boolean =>
  root.entries.has('blocks') && !root.entries.has('inputs') && !root.entries.has('layers');

export function checkBlockFile(root: MapNode, context: BlockContext): void {
  checkIncluded(root, context.collector);
  readBlocks(root, context);
}

function checkIncluded(root: MapNode, collector: Collector): void {
  for (const problem of [...checkKeys(root, INCLUDED, 'an included file'), ...checkValues(root, INCLUDED)]) {
    collector.report(problem);
  }
}

function addBlocks(
  node: DocNode | undefined,
  included: boolean,
  blocks: Map<string, Block>,
  context: BlockContext,
): void {
  if (node?.kind !== 'map') return;
  for (const [name, { key, value }] of node.entries) {
    const at = locationOf(key);
    const first = blocks.get(name);
    if (!isName(name)) context.collector.report(say.invalidName(at, 'block', name));
    else if (Object.hasOwn(context.definitions.layers, name)) {
      context.collector.report(say.reservedName(at, 'block', name, 'a layer type'));
    } else if (first !== undefined)
      context.collector.report(say.duplicateName(at, 'block', name, locationOf(first.key)));
    else {
      const block = readBlock(name, key, value, included, context);
      if (block !== undefined) blocks.set(name, block);
    }
  }
}

function readBlock(
  name: string,
  key: Range,
  node: DocNode,
  included: boolean,
  context: BlockContext,
): Block | undefined {
  const { collector } = context;
  const owner = `block \`${name}\``;
  for (const problem of checkObject(node, BLOCK, owner)) collector.report(problem);
  if (node.kind !== 'map') return undefined;
  const layers = child(node, 'layers');
  const inputs = texts(child(node, 'inputs'));
  const names = inputs.length > 0 ? inputs.map((input) => String(input.value)) : ['x'];
  inputs.forEach((input, i) => {
    const text = String(input.value);
    if (!isName(text)) collector.report(say.invalidName(locationOf(input), 'block input', text));
    const first = names.indexOf(text);
    if (first < i)
      collector.report(say.duplicateName(locationOf(input), 'block input', text, locationOf(inputs[first]!)));
  });
  return {
    name,
    node,
    key,
    included,
    params: readParams(child(node, 'params'), name, collector),
    inputs: names,
    layers: layers?.kind === 'list' ? layers.items : [],
    outputs: texts(child(node, 'outputs')),
    usage: { used: false, params: new Set() },
  };
}

function readParams(node: DocNode | undefined, block: string, collector: Collector): Map<string, Param> {
  const params = new Map<string, Param>();
  if (node?.kind !== 'map') return params;
  for (const [name, { key, value }] of node.entries) {
    if (!isIdentifier(name)) collector.report(say.invalidName(locationOf(key), 'parameter', name));
    else if (Object.hasOwn(COMMON_LAYER.fields, name)) {
      collector.report(say.reservedName(locationOf(key), 'parameter', name, 'a field of every layer'));
    }
    const problems = checkObject(value, PARAM, `parameter \`${name}\``);
    for (const problem of problems) collector.report(problem);
    const type = child(value, 'type');
    if (problems.length > 0 || type === undefined) continue;
    const declared = toJson(type) as ParamType;
    const byDefault = child(value, 'default');
    if (byDefault === undefined) {
      params.set(name, { name, type: declared, key });
      continue;
    }
    const json = toJson(byDefault);
    if (!isOfType(json, declared)) {
      collector.report(say.parameterType(locationOf(byDefault), name, block, TYPE_WORDS[declared], json));
    }
    params.set(name, { name, type: declared, default: json, key });
  }
  return params;
}

export const TYPE_WORDS: Readonly<Record<ParamType, string>> = {
  integer: 'an integer',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  list: 'a list',
};

export function isOfType(value: Json, type: ParamType): boolean {
  if (type === 'integer') return Number.isInteger(value);
  return type === 'list' ? Array.isArray(value) : typeof value === type;
}

/** A text or a list of texts, as nodes; whatever else is there was reported with the object. */
export function texts(node: DocNode | undefined): ScalarNode[] {
  const items = node?.kind === 'list' ? node.items : node === undefined ? [] : [node];
  return items.filter((item): item is ScalarNode => item.kind === 'scalar' && typeof item.value === 'string');
}

/** `chain` are the real paths of the files on the way to this include. */
function addIncludes(
  node: DocNode | undefined,
  folder: string | undefined,
  chain: readonly string[],
  seen: Set<string>,
  blocks: Map<string, Block>,
  context: BlockContext,
): void {
  for (const item of texts(node)) {
    const file = resolveBeside(item, context, folder, chain, (problem, hint) =>
      context.collector.report(say.badInclude(locationOf(item), String(item.value), problem, hint)),
    );
    if (file === undefined || seen.has(file)) continue;
    seen.add(file);
    if (seen.size > MAX_INCLUDES) {
      const problem = `more than ${MAX_INCLUDES} files are included`;
      context.collector.report(say.badInclude(locationOf(item), String(item.value), problem));
      return;
    }
    readIncluded(item, file, [...chain, file], seen, blocks, context);
  }
}

/** The real path of a file that a model names, or undefined where it may not be read; the reason is reported. */
export function resolveBeside(
  item: ScalarNode,
  context: Pick<BlockContext, 'folder' | 'allowOutside'>,
  /** Where the path starts; the model's folder, or that of a file it includes. */
  folder: string | undefined,
  chain: readonly string[],
  report: (problem: string, hint?: string) => void,
): string | undefined {
  const file = folder === undefined ? undefined : realPath(path.resolve(folder, String(item.value)));
  const problem = whyNot(file, chain, context);
  if (problem === undefined) return file;
  report(
    problem,
    problem === OUTSIDE ? 'a model file reads only beside itself; pass `--allow-outside` to let it' : undefined,
  );
  return undefined;
}

const OUTSIDE = "it is outside of the model's folder";

function whyNot(
  file: string | undefined,
  chain: readonly string[],
  context: Pick<BlockContext, 'folder' | 'allowOutside'>,
): string | undefined {
  if (context.folder === undefined) return 'the model was not read from a file';
  const home = realPath(context.folder);
  if (file === undefined || home === undefined) return 'there is no such file';
  const inside = path.relative(home, file);
  if ((inside.startsWith('..') || path.isAbsolute(inside)) && !context.allowOutside) return OUTSIDE;
  const found = statSync(file);
  if (!found.isFile()) return 'it is not a file';
  if (found.size > MAX_BYTES) return `it is larger than ${MAX_BYTES / 2 ** 20} MiB`;
  return chain.includes(file) ? 'it includes itself' : undefined;
}

/** Links followed; undefined where there is nothing. */
function realPath(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

function readIncluded(
  item: ScalarNode,
  file: string,
  chain: readonly string[],
  seen: Set<string>,
  blocks: Map<string, Block>,
  context: BlockContext,
): void {
  const { collector } = context;
  // Named as the model file is named: relative to where the user stands, not by its real path.
  const shown = path.join(path.dirname(item.source.file), String(item.value));
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    collector.report(say.badInclude(locationOf(item), String(item.value), problem));
    return;
  }
  const parsed = parseText(bytes, shown);
  for (const problem of parsed.diagnostics) {
    collector.report({ ...problem, notes: [...problem.notes, { message: 'included here', at: locationOf(item) }] });
  }
  const { root } = parsed;
  if (root === undefined) return;
  if (root.kind !== 'map') {
    collector.report(say.badInclude(locationOf(item), String(item.value), 'it holds no `blocks:`'));
    return;
  }
  checkIncluded(root, collector);
  addBlocks(child(root, 'blocks'), true, blocks, context);
  addIncludes(child(root, 'include'), path.dirname(file), chain, seen, blocks, context);
}

/** Inputs by the last word of what is written; empty where that is no plain word. */
export function writtenNames(node: MapNode): readonly string[] {
  const inputs = texts(child(node, 'inputs'));
  return inputs.length === 0 ? ['x'] : inputs.map(({ value }) => /[A-Za-z_]\w*$/.exec(String(value))?.[0] ?? '');
}
