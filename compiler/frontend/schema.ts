/**
 * The language as a JSON Schema (2020-12), for editors and other tools. Made from the same definitions and tables that
 * the validator reads. What a schema cannot know stays for dlc: blocks are layer types too, and inside of blocks every
 * value may be `$name` or `${…}`.
 */
import { DEFINITIONS, type Definitions, type Words } from './definitions';
import type { Described, FieldSchema } from './describe';
import * as language from './language';
import { shareParts } from './schema-parts';
import { groupShape, itemShape, layerShape } from './shapes';
import type { Json } from './spec';
import * as trainLanguage from './train_language';
import { SCHEDULE, TYPED } from './typed';
import { WEIGHTS } from './weight_map';

export type JsonSchema = { readonly [keyword: string]: Json };

export function modelSchema(definitions: Definitions = DEFINITIONS): JsonSchema {
  const typed = kinds(definitions);
  const fields = language.MODEL.fields;
  const ref = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` });
  const refined: Record<string, JsonSchema> = {
    blocks: { type: 'object', propertyNames: { pattern: language.NAME_PATTERN }, additionalProperties: ref('block') },
    inputs: {
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: language.NAME_PATTERN },
      additionalProperties: ref('input'),
    },
    layers: { type: 'array', minItems: 1, items: ref('layer') },
    losses: { type: 'array', items: ref('loss') },
    metrics: { type: 'array', items: ref('metric') },
    weights: { anyOf: [{ type: 'array', items: ref('weights') }, ref('weights')] },
    data: ref('data'),
    train: ref('train'),
    budgets: ref('budgets'),
  };
  return shareParts({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'dlc model',
    description: 'A deep-learning model: its layers, losses, data and training.',
    type: 'object',
    required: [...(language.MODEL.required ?? [])],
    additionalProperties: false,
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, { ...clean(field), ...(refined[name] ?? {}) }]),
    ),
    $defs: {
      input: closed(language.INPUT),
      block: blockSchema(ref),
      parameter: closed(language.PARAM),
      ...Object.fromEntries(Object.entries(typed).map(([kind, { schema }]) => [kind, schema])),
      data: withRefs(language.DATA, { train: ref('source'), eval: ref('source'), predict: ref('source') }),
      ...trainSchemas(definitions, ref),
      budgets: closed(language.BUDGETS),
      weights: closed(WEIGHTS),
      'layer-model': closed(language.NESTED, true),
      ...Object.fromEntries(Object.values(typed).flatMap((one) => Object.entries(one.definitions))),
    },
  });
}

/** `train`, and what stands in its lists. */
function trainSchemas(definitions: Definitions, ref: (name: string) => JsonSchema): Record<string, JsonSchema> {
  const listOf = (name: string): JsonSchema => ({ type: 'array', items: ref(name) });
  const setup = {
    schedule: ref('schedule'),
    schedules: { type: 'object', minProperties: 1, additionalProperties: ref('schedule') },
    clip: closed(trainLanguage.CLIP),
  };
  const groups = { groups: listOf('group'), discriminative: closed(trainLanguage.DISCRIMINATIVE) };
  return {
    train: withRefs(language.TRAIN, {
      optimizer: ref('optimizer'),
      ...setup,
      ...groups,
      ema: closed(trainLanguage.EMA),
      swa: closed(trainLanguage.SWA),
      lookahead: closed(trainLanguage.LOOKAHEAD),
      phases: { ...listOf('phase'), minItems: 1 },
      objectives: { ...listOf('objective'), minItems: 1 },
      stop: closed(trainLanguage.STOP),
      checkpoint: closed(language.CHECKPOINT),
      evaluate: closed(language.EVALUATE),
    }),
    group: closed(groupShape(definitions)),
    phase: withRefs(trainLanguage.PHASE, { ...setup, ...groups }),
    objective: withRefs(trainLanguage.OBJECTIVE, setup),
  };
}

function blockSchema(ref: (name: string) => JsonSchema): JsonSchema {
  return withRefs(language.BLOCK, {
    params: {
      type: 'object',
      propertyNames: { pattern: language.IDENTIFIER_PATTERN },
      additionalProperties: ref('parameter'),
    },
    layers: { type: 'array', minItems: 1, items: ref('layer') },
  });
}

interface Kind {
  readonly schema: JsonSchema;
  readonly definitions: Readonly<Record<string, JsonSchema>>;
}

/** Layers, losses and the rest: each kind chooses by `type` among its words. */
function kinds(definitions: Definitions): Record<string, Kind> {
  return {
    layer: layerKind(definitions),
    loss: kind('loss', definitions.losses, language.COMMON_LOSS),
    metric: kind('metric', definitions.metrics, language.COMMON_METRIC),
    optimizer: kind('optimizer', definitions.optimizers, TYPED),
    schedule: kind('schedule', definitions.schedules, SCHEDULE),
    source: kind('source', definitions.sources, TYPED),
  };
}

function layerKind(definitions: Definitions): Kind {
  const made = choose('layer', definitions.layers, (name) => layerShape(definitions.layers[name]!, definitions), true);
  const words = [...Object.keys(definitions.layers), language.NESTED_MODEL];
  const nested: JsonSchema = {
    if: { properties: { type: { const: language.NESTED_MODEL } }, required: ['type'] },
    then: { $ref: '#/$defs/layer-model' },
  };
  // Another word is a block; which ones there are, and with what parameters, only dlc can tell.
  const use: JsonSchema = {
    if: { properties: { type: { not: { enum: words } } } },
    then: { properties: commonProperties(true) },
  };
  const schema = { ...made.schema, allOf: [...(made.schema['allOf'] as readonly Json[]), nested, use] };
  return { schema, definitions: made.definitions };
}

function commonProperties(substituted: boolean): JsonSchema {
  return properties(language.COMMON_LAYER, substituted);
}

function kind(name: string, words: Words, common: language.ObjectShape): Kind {
  return choose(name, words, (word) => itemShape(words[word]!, common), false);
}

function choose(
  kindName: string,
  words: Words,
  shapeOf: (word: string) => language.ObjectShape,
  substituted: boolean,
): Kind {
  const names = Object.keys(words);
  const definitionName = (word: string): string => `${kindName}-${word}`;
  const schema: JsonSchema = {
    type: 'object',
    required: ['type'],
    properties: { type: { type: 'string', enum: names } },
    allOf: names.map((word) => ({
      if: { properties: { type: { const: word } }, required: ['type'] },
      then: { $ref: `#/$defs/${definitionName(word)}` },
    })),
  };
  // For layers any other word may be a block.
  const open = substituted ? { ...schema, properties: { type: { type: 'string', examples: names } } } : schema;
  const definitions = names.map((word): [string, JsonSchema] => [
    definitionName(word),
    { description: summaryOf(words[word]!), ...closed(shapeOf(word), substituted) },
  ]);
  return { schema: open, definitions: Object.fromEntries(definitions) };
}

function summaryOf(def: Described): string {
  return def.details === undefined ? def.summary : `${def.summary}\n\n${def.details}`;
}

function closed(shape: language.ObjectShape, substituted = false): JsonSchema {
  return {
    type: 'object',
    ...(shape.required === undefined ? {} : { required: [...shape.required] }),
    additionalProperties: false,
    properties: properties(shape, substituted),
  };
}

function withRefs(shape: language.ObjectShape, refs: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const schema = closed(shape);
  const own = schema['properties'] as Record<string, JsonSchema>;
  for (const [name, to] of Object.entries(refs)) own[name] = { description: own[name]?.['description'] ?? '', ...to };
  return schema;
}

function properties(shape: language.ObjectShape, substituted: boolean): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(shape.fields).map(([name, field]) => [
      name,
      substituted && !KEPT.has(name) ? orReference(field) : clean(field),
    ]),
  );
}

/** Never replaced by a parameter, or a text already. */
const KEPT: ReadonlySet<string> = new Set(['name', 'type', 'inputs', 'when', 'else', 'share']);

/** The field, or `$name` or `${…}` in its place. */
function orReference(field: FieldSchema): JsonSchema {
  const { description, default: byDefault, ...fixed } = clean(field);
  const rest = within(fixed) as JsonSchema;
  const own = Object.keys(rest).length === 1 && Array.isArray(rest['anyOf']) ? (rest['anyOf'] as readonly Json[]) : [];
  // Many options, those of an initializer, stay one schema that its users share.
  const options = own.length > 0 && own.length < 4 ? own : [rest];
  return {
    description: description ?? '',
    ...(byDefault === undefined ? {} : { default: byDefault }),
    anyOf: [...options, REFERENCE],
  };
}

const REFERENCE: JsonSchema = { type: 'string', pattern: '^\\$([A-Za-z_]\\w*$|\\{)' };

/** The schema with references allowed for everything inside of its lists and mappings. */
function within(schema: Json): Json {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return schema;
  const open = schema as JsonSchema;
  const { items, properties, additionalProperties, anyOf } = open;
  const inner = (value: Json): Json => ({ anyOf: [within(value), REFERENCE] });
  return {
    ...open,
    ...(isSchema(items) ? { items: inner(items) } : {}),
    ...(isSchema(additionalProperties) ? { additionalProperties: inner(additionalProperties) } : {}),
    ...(isSchema(properties)
      ? {
          properties: Object.fromEntries(
            // The word that says which mapping it is stays a word.
            Object.entries(properties).map(([name, value]) => [name, name === 'type' ? value : inner(value)]),
          ),
        }
      : {}),
    ...(Array.isArray(anyOf) ? { anyOf: (anyOf as readonly Json[]).map(within) } : {}),
  };
}

function isSchema(value: Json | undefined): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function clean(field: FieldSchema): JsonSchema {
  return Object.fromEntries(Object.entries(field).filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

/** Every field schema that the validator can meet. */
export function allFieldSchemas(definitions: Definitions = DEFINITIONS): FieldSchema[] {
  const { losses, metrics, optimizers, schedules, sources, layers } = definitions;
  const items = (words: Words, common: language.ObjectShape): language.ObjectShape[] =>
    Object.values(words).map((def) => itemShape(def, common));
  const shapes = [
    ...[language, trainLanguage].flatMap((part) => Object.values(part).filter(isShape)),
    groupShape(definitions),
    ...Object.values(layers).map((def) => layerShape(def, definitions)),
    ...items(losses, language.COMMON_LOSS),
    ...items(metrics, language.COMMON_METRIC),
    ...items(optimizers, TYPED),
    ...items(schedules, SCHEDULE),
    ...items(sources, TYPED),
  ];
  return [...new Set(shapes.flatMap((shape) => Object.values(shape.fields)))];
}

function isShape(value: unknown): value is language.ObjectShape {
  return typeof value === 'object' && value !== null && 'fields' in value;
}
