/** Everything of a model but its layers: inputs, losses and metrics, data, training, budgets. Document → spec, checked. */
import * as say from '../diagnostics/catalogue';
import type { Collector } from '../diagnostics/collector';
import type { Location, Origin } from '../diagnostics/location';
import { listed } from '../diagnostics/make';
import type { Connector } from './connect';
import { wordOf, type Definitions, type Words } from './definitions';
import { FACTORS } from '../expression/quantities';
import { sameAs } from '../diagnostics/nearest';
import { elsewhere } from './elsewhere';
import { exampleOf } from './explain';
import * as language from './language';
import { child, locationOf, locatorOf, textOf, toJson, type DocNode, type MapNode } from './node';
import { itemShape } from './shapes';
import { texts, writtenNames } from './blocks';
import { TYPED } from './typed';
import type { AssertSpec, BudgetSpec, Fields, InputSpec, Json, SectionSpec, TermSpec } from './spec';
import { checkKeys, checkObject, checkValues } from './validate';

export interface SectionContext {
  readonly collector: Collector;
  readonly definitions: Definitions;
}

/** More elements than this in one sample of an input is a slip of the pen. */
const MAX_ELEMENTS = 2 ** 31;

/** What a line of `metrics.jsonl` says beside the losses and metrics by name. */
const LOG_FIELDS = new Set(['step', 'epoch', 'phase', 'split', 'loss', 'regularization', 'grad_norm', 'lr']);

export function originOf(layer: string, at: Location): Origin {
  return { layer, at, via: [] };
}

export function readInputs(node: DocNode | undefined, { collector }: SectionContext): InputSpec[] {
  if (node?.kind !== 'map') return [];
  const inputs: InputSpec[] = [];
  for (const [name, { key, value }] of node.entries) {
    if (!language.isName(name)) collector.report(say.invalidName(locationOf(key), 'model input', name));
    const problems = checkObject(value, language.INPUT, `input \`${name}\``);
    for (const problem of problems) collector.report(problem);
    if (problems.length > 0) continue;
    const fields = toJson(value) as { readonly shape: readonly (number | string)[]; readonly dtype?: string };
    const elements = fields.shape.reduce<number>(
      (product, extent) => product * (typeof extent === 'number' ? extent : 1),
      1,
    );
    if (elements > MAX_ELEMENTS) {
      const shape = `[${fields.shape.join(', ')}]`;
      collector.report(
        say.tooLarge(
          locationOf(child(value, 'shape')!),
          `one sample of input \`${name}\``,
          shape,
          elements,
          MAX_ELEMENTS,
        ),
      );
    }
    const dtype = language.DTYPE_WORDS[fields.dtype ?? 'float32']!;
    inputs.push({ name, dtype, shape: fields.shape, origin: originOf(name, locationOf(key)) });
  }
  checkSymbols(node, inputs, collector);
  return inputs;
}

/** One symbol has a value: the batch, the first one that stands in front. */
function checkSymbols(node: MapNode, inputs: readonly InputSpec[], collector: Collector): void {
  const batch = inputs.map((input) => input.shape[0]).find((extent) => typeof extent === 'string');
  for (const input of inputs) {
    input.shape.forEach((extent, axis) => {
      if (typeof extent !== 'string' || extent === batch) return;
      const shape = child(child(node, input.name), 'shape');
      collector.report(say.unboundSymbol(locationOf(child(shape, axis) ?? node), extent, batch));
    });
  }
}

/** The losses or the metrics. */
export function readTerms(
  node: DocNode | undefined,
  what: 'loss' | 'metric',
  connector: Connector,
  { collector, definitions }: SectionContext,
): TermSpec[] {
  if (node?.kind !== 'list') return [];
  const words = what === 'loss' ? definitions.losses : definitions.metrics;
  const common = what === 'loss' ? language.COMMON_LOSS : language.COMMON_METRIC;
  const taken = new Map<string, Location>();
  return node.items.flatMap((item) => {
    const def = typedItem(item, what, words, common, { collector, definitions });
    if (def === undefined || item.kind !== 'map') return [];
    const written = texts(child(item, 'inputs'));
    const { arity } = words[def]!;
    const at = locationOf(child(item, 'inputs') ?? item);
    const term = `${what} \`${def}\``;
    if (written.length < arity[0]) {
      collector.report(
        say.missingLossInput(
          at,
          term,
          arity,
          written.map((text) => String(text.value)),
        ),
      );
    } else if (written.length > arity[1]) collector.report(say.inputCount(at, term, arity, written.length));
    const inputs = written.map((text) => connector.topName(text)).filter((name) => name !== undefined);
    const name = termName(item, def, what, taken, collector);
    const { weight = 1, ...fields } = fieldsOf(item, ['name', 'type', 'inputs']);
    if (words[def]!.namesInputs === true) fields['names'] ??= writtenNames(item);
    const origin = originOf(name, locationOf(item));
    return [{ name, type: def, inputs, weight: Number(weight), fields, origin, at: locatorOf(item) }];
  });
}

/** The plain values of a mapping, without some of its fields. */
function fieldsOf(node: MapNode, without: readonly string[]): Record<string, Json> {
  return Object.fromEntries(Object.entries(toJson(node) as Fields).filter(([name]) => !without.includes(name)));
}

/** The name that is written, or the type; a second one of a type gets a number. */
function termName(
  item: DocNode,
  type: string,
  what: string,
  taken: Map<string, Location>,
  collector: Collector,
): string {
  const node = child(item, 'name');
  let name = node === undefined ? type : textOf(toJson(node));
  const first = taken.get(name);
  if (first !== undefined && node !== undefined) {
    collector.report(say.duplicateName(locationOf(node), what, name, first));
  }
  if (node !== undefined && LOG_FIELDS.has(name)) {
    collector.report(say.reservedName(locationOf(node), what, name, 'a field of every line of metrics.jsonl'));
  }
  for (let n = 2; node === undefined && taken.has(name); n++) name = `${type}${n}`;
  taken.set(name, locationOf(node ?? item));
  return name;
}

/** Checks an object with a `type:`; returns the type where it is known. `what` reads like "data source". */
function typedItem(
  item: DocNode,
  what: string,
  words: Words,
  common: language.ObjectShape,
  { collector, definitions }: SectionContext,
): string | undefined {
  if (item.kind !== 'map') {
    const example = exampleOf(toJson(item), words) ?? '{type: …}';
    collector.report(say.wrongKind(locationOf(item), `a ${what}`, `a mapping \`${example}\``, toJson(item)));
    return undefined;
  }
  const type = child(item, 'type');
  const word = type === undefined ? undefined : toJson(type);
  if (type === undefined) {
    const hint = `there are ${listed(Object.keys(words))}`;
    collector.report(say.missingField(locationOf(item), 'type', `a ${what}`, hint));
    return undefined;
  }
  if (typeof word !== 'string') {
    collector.report(say.wrongType(locationOf(type), 'type', 'text', word));
    return undefined;
  }
  const def = wordOf(words, word);
  if (def === undefined) {
    const other = elsewhere(word, definitions);
    collector.report(say.unknownType(locationOf(type), word, what, Object.keys(words), other));
  }
  // A word of another framework hides no other mistake.
  const meant = def === undefined ? sameAs(word, Object.keys(words)) : word;
  if (meant === undefined) return undefined;
  const shape = itemShape(words[meant]!, common);
  const owner = `${what} \`${meant}\``;
  for (const problem of [...checkKeys(item, shape, owner), ...checkValues(item, shape)]) collector.report(problem);
  return meant;
}

export function readSection(
  node: DocNode,
  name: string,
  what: string,
  words: Words,
  context: SectionContext,
  common = TYPED,
): SectionSpec | undefined {
  const type = typedItem(node, what, words, common, context);
  if (type === undefined || node.kind !== 'map') return undefined;
  const fields = fieldsOf(node, ['type']);
  return { type, fields, origin: originOf(name, locationOf(node)), at: locatorOf(node) };
}

export function readData(
  node: DocNode | undefined,
  { collector, definitions }: SectionContext,
): Partial<Record<'train' | 'eval' | 'predict', SectionSpec>> {
  const data: Partial<Record<'train' | 'eval' | 'predict', SectionSpec>> = {};
  if (node?.kind !== 'map') return data;
  for (const problem of checkObject(node, language.DATA, '`data`')) collector.report(problem);
  for (const split of ['train', 'eval', 'predict'] as const) {
    const item = child(node, split);
    if (item?.kind !== 'map') continue;
    const section = readSection(item, `data.${split}`, 'data source', definitions.sources, { collector, definitions });
    if (section !== undefined) data[split] = section;
  }
  return data;
}

/** `5M`, `300M`, `2GiB`, or a plain number. */
export function quantityOf(value: Json | undefined): number | undefined {
  if (value === undefined || typeof value === 'number') return value;
  const match = /^([\d.]+) ?(\w+)$/.exec(textOf(value));
  return match === null ? undefined : Math.floor(Number(match[1]) * (FACTORS[match[2]!] ?? 1));
}

/** `assert:`, one expression or several. */
export function readAsserts(node: DocNode | undefined): AssertSpec[] {
  return texts(node).map((text) => ({ text: String(text.value), at: locatorOf(text) }));
}

export function readBudgets(node: DocNode | undefined, { collector }: SectionContext): BudgetSpec | undefined {
  if (node?.kind !== 'map') return undefined;
  const problems = checkObject(node, language.BUDGETS, '`budgets`');
  for (const problem of problems) collector.report(problem);
  if (problems.length > 0) return undefined;
  const fields = toJson(node) as Fields;
  const [params, flops, peakMemory] = ['params', 'flops', 'peak_memory'].map((name) => quantityOf(fields[name]));
  return {
    ...(params === undefined ? {} : { params }),
    ...(flops === undefined ? {} : { flops }),
    ...(peakMemory === undefined ? {} : { peakMemory }),
    at: locatorOf(node),
  };
}
