/**
 * Failures of a field's schema → our diagnostics: each is found again in the document and said in the words of the schema.
 * An alternative (`anyOf`) is explained by the branch that was meant, where one can be told, and by the choices otherwise.
 */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { nearest } from '../diagnostics/nearest';
import type { Failure } from './conform';
import { DEFINITIONS, type Definitions, type Words } from './definitions';
import { keyLocation, locationOf, deepest, textOf, type DocNode, type Path } from './node';
import { wordOf } from './schema-parts';
import { inWords, isSchema, type SchemaNode } from './words';
import type { Json } from './spec';

/** One field: its place in the document, its value and its name. */
export interface FailedField {
  readonly node: DocNode;
  readonly json: Json;
  readonly name: string;
}

export function explain(failed: readonly Failure[], field: FailedField): Diagnostic[] {
  const seen = new Set<string>();
  const result: Diagnostic[] = [];
  for (const failure of withoutBranches(failed)) {
    // One message a place; a mapping may lack several fields and have several unknown ones.
    const key = JSON.stringify([failure.path, failure.property]);
    if (seen.has(key)) continue;
    seen.add(key);
    result.push(explainOne(failure, field));
  }
  return result;
}

function explainOne(failure: Failure, { node: root, json, name: top }: FailedField): Diagnostic {
  const { keyword, path, schema, property: name = '' } = failure;
  const at = locationOf(deepest(root, path));
  const field = fieldName([top, ...path]);
  const found = valueAt(json, path);
  switch (keyword) {
    case 'required':
      return say.missingField(at, name, `\`${field}\``);
    case 'additionalProperties': {
      const known = isSchema(schema['properties']) ? Object.keys(schema['properties']) : [];
      return say.unknownField(keyLocation(root, [...path, name]), name, `\`${field}\``, known);
    }
    case 'propertyNames':
      return say.invalidValue(
        keyLocation(root, [...path, name]),
        field,
        `cannot have the name \`${name}\`: ${namesOf(schema)}`,
      );
    case 'enum':
    case 'const': {
      const choices = keyword === 'enum' ? (schema['enum'] as readonly unknown[]) : [schema['const']];
      return say.unknownValue(at, field, found, choices);
    }
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
    case 'multipleOf':
      return say.outOfRange(at, field, inWords(schema), found);
    case 'minItems':
    case 'maxItems':
      return say.wrongLength(at, field, inWords(schema), Array.isArray(found) ? found.length : 0);
    case 'minProperties':
      return say.invalidValue(at, field, 'must not be empty');
    case 'minLength':
      return say.invalidValue(at, field, 'must not be empty');
    case 'maxLength':
      return say.invalidValue(at, field, `may have ${textOf(schema['maxLength'])} characters`);
    case 'pattern':
      return say.wrongType(at, field, inWords(schema), found);
    case 'not':
      return say.outOfRange(at, field, inWords(schema), found);
    case 'anyOf':
    case 'oneOf':
      return explainChoice(schema, root, path, field, found);
    default:
      return say.wrongType(at, field, inWords(schema), found, hintFor(schema, found) ?? exampleFor(field, found));
  }
}

/** Sections that hold one or several things with a `type`. */
const SECTIONS: Readonly<Record<string, keyof Definitions>> = {
  optimizer: 'optimizers',
  schedule: 'schedules',
  train: 'sources',
  eval: 'sources',
  predict: 'sources',
  losses: 'losses',
  metrics: 'metrics',
};

/** Where a bare name stands for all of a section: the example of what it names. */
function exampleFor(section: string, found: Json): string | undefined {
  const kind = SECTIONS[section];
  if (kind === undefined || typeof found !== 'string') return undefined;
  const example = exampleOf(found, DEFINITIONS[kind]);
  if (example === undefined) return undefined;
  return `write \`${kind === 'losses' || kind === 'metrics' ? `[${example}]` : example}\``;
}

/** Of the word that is written, or the one it was meant to be. */
export function exampleOf(found: Json, words: Words): string | undefined {
  if (typeof found !== 'string') return undefined;
  const near = Object.hasOwn(words, found) ? found : nearest(found, Object.keys(words));
  return near === undefined ? undefined : words[near]!.example;
}

function explainChoice(schema: SchemaNode, root: DocNode, path: Path, field: string, found: unknown): Diagnostic {
  const at = locationOf(deepest(root, path));
  const options = (schema['anyOf'] ?? schema['oneOf']) as readonly SchemaNode[];
  const words = options.flatMap((option) =>
    Array.isArray(option['enum']) ? (option['enum'] as Json[]).filter(isText) : [],
  );
  const types = options.flatMap((option) => wordOf(option) ?? []);
  const layer = field === 'activation' ? typeIn(found) : undefined;
  if (layer !== undefined && !types.includes(layer) && Object.hasOwn(DEFINITIONS.layers, layer)) {
    const hint = `put a layer of type \`${layer}\` after this one`;
    return say.invalidValue(at, field, `cannot be \`${layer}\`, which is a layer of its own`, hint);
  }
  if (typeof found === 'string' && words.length > 0) {
    if (types.includes(found)) {
      const problem = `cannot be \`${found}\` alone, which has required fields`;
      return say.invalidValue(at, field, problem, `write \`{type: ${found}, …}\``);
    }
    return say.notAChoice(at, field, inWords(schema), found, [...words, ...types]);
  }
  const type = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)['type'] : undefined;
  if (typeof type === 'string' && types.length > 0)
    return say.unknownType(locationOf(deepest(root, [...path, 'type'])), type, `\`${field}\` of type`, types);
  return say.wrongType(at, field, inWords(schema), found, hintFor(schema, found));
}

/** The word that a bare name or a mapping with a `type` names. */
function typeIn(found: unknown): string | undefined {
  const word = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)['type'] : found;
  return typeof word === 'string' ? word : undefined;
}

/** What names of properties must be, in words. */
function namesOf(schema: SchemaNode): string {
  return `a name is ${isSchema(schema['propertyNames']) ? inWords(schema['propertyNames']) : 'another one'}`;
}

function isText(value: Json): value is string {
  return typeof value === 'string';
}

/** Habits from elsewhere: quoted numbers, yes and no, one number where a list is due. */
function hintFor(schema: SchemaNode, found: unknown): string | undefined {
  const accepts = (type: string): boolean => inWords(schema).includes(type);
  if (typeof found === 'string') {
    if (/^(yes|no|on|off)$/i.test(found) && accepts('true or false')) return 'write true or false';
    if (found.trim() !== '' && Number.isFinite(Number(found)) && (accepts('integer') || accepts('number'))) {
      return 'remove the quotes';
    }
  }
  if (typeof found === 'number' && inWords(schema).startsWith('a list of ')) return `write it as a list: [${found}]`;
  return undefined;
}

/** In place of an alternative, what failed in the branch that was clearly meant: only something within or a range does not fit. */
function withoutBranches(failed: readonly Failure[]): Failure[] {
  return failed.flatMap((failure) => {
    const meant = (failure.branches ?? []).filter((branch) => !branch.some((one) => isOther(one, failure.path)));
    const best = meant.sort((a, b) => a.length - b.length)[0];
    return best === undefined ? [failure] : withoutBranches(best);
  });
}

/** This branch was not meant: another type of value, another word, another `type:`. */
function isOther({ keyword, path, property }: Failure, above: Path): boolean {
  if (path.length === above.length + 1 && path.at(-1) === 'type') return keyword === 'const' || keyword === 'enum';
  if (path.length !== above.length) return false;
  if (keyword === 'required') return property === 'type';
  return ['type', 'enum', 'const', 'anyOf', 'oneOf', 'pattern'].includes(keyword);
}

function valueAt(json: Json, path: Path): Json {
  return path.reduce<Json>((value, part) => (value as Readonly<Record<string, Json>>)[part] ?? null, json);
}

/** `padding[1]`, `checkpoint.every` */
export function fieldName(path: Path): string {
  return path.reduce<string>(
    (name, part) => (typeof part === 'number' ? `${name}[${part}]` : name === '' ? part : `${name}.${part}`),
    '',
  );
}
