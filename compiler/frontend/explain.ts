/**
 * Schema errors → our diagnostics. The validator's own texts are never shown: each error is found again in the document
 * and said in the words of the field's schema. An alternative (`anyOf`) is explained by the branch that was meant, where
 * one can be told, and by the choices otherwise.
 */
import type { ErrorObject } from 'ajv';
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { nearest } from '../diagnostics/nearest';
import { DEFINITIONS } from './definitions';
import { child, keyLocation, locationOf, deepest, textOf, type DocNode, type Path } from './node';
import { inWords, isSchema, type SchemaNode } from './words';
import type { Json } from './spec';

/** One field: its place in the document, its value, the schema it failed and its name. */
export interface FailedField {
  readonly node: DocNode;
  readonly json: Json;
  readonly schema: SchemaNode;
  readonly name: string;
}

export function explain(errors: readonly ErrorObject[], field: FailedField): Diagnostic[] {
  const seen = new Set<string>();
  const result: Diagnostic[] = [];
  for (const error of withoutBranches(errors)) {
    // One message a place; a mapping may lack several fields and have several unknown ones.
    const own = error.keyword === 'required' || error.keyword === 'additionalProperties';
    const key = `${error.instancePath}\0${own ? JSON.stringify(error.params) : ''}`;
    if (seen.has(key)) continue;
    seen.add(key);
    result.push(explainOne(error, field));
  }
  return result;
}

function explainOne(error: ErrorObject, { node: root, json, schema: whole, name: top }: FailedField): Diagnostic {
  const path = pathOf(error.instancePath, root);
  const at = locationOf(deepest(root, path));
  const field = fieldName([top, ...path]);
  const schema = schemaAt(whole, error.schemaPath);
  const found = valueAt(json, path);
  switch (error.keyword) {
    case 'required':
      return say.missingField(at, String(error.params['missingProperty']), `\`${field}\``);
    case 'additionalProperties': {
      const name = String(error.params['additionalProperty']);
      const known = isSchema(schema['properties']) ? Object.keys(schema['properties']) : [];
      return say.unknownField(keyLocation(root, [...path, name]), name, `\`${field}\``, known);
    }
    case 'enum':
    case 'const': {
      const choices = error.keyword === 'enum' ? (schema['enum'] as readonly unknown[]) : [schema['const']];
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
      return say.wrongType(at, field, inWords(schema), found, hintFor(schema, found));
  }
}

function explainChoice(schema: SchemaNode, root: DocNode, path: Path, field: string, found: unknown): Diagnostic {
  const at = locationOf(deepest(root, path));
  const options = (schema['anyOf'] ?? schema['oneOf']) as readonly SchemaNode[];
  const words = options.flatMap((option) =>
    Array.isArray(option['enum']) ? (option['enum'] as Json[]).filter(isText) : [],
  );
  const types = options.flatMap(typeWord);
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
    const near = nearest(found, [...words, ...types]);
    const hint = near === undefined ? undefined : `did you mean \`${near}\`?`;
    return say.notAChoice(at, field, inWords(schema), found, hint);
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

/** The word of a branch `{type: {const: word}, ...}`. */
function typeWord(option: SchemaNode): string[] {
  const properties = option['properties'];
  const type = isSchema(properties) ? properties['type'] : undefined;
  return isSchema(type) && typeof type['const'] === 'string' ? [type['const']] : [];
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

/**
 * Leaves out what failed inside of the branches of an alternative, or the alternative itself where one branch was
 * clearly meant: its type fits, and only something within or a range does not.
 */
function withoutBranches(errors: readonly ErrorObject[]): ErrorObject[] {
  const outer = errors.find((error) => error.keyword === 'anyOf' || error.keyword === 'oneOf');
  if (outer === undefined) return [...errors];
  // The outermost alternative has the shortest schema path.
  const composite = errors
    .filter((error) => error.keyword === 'anyOf' || error.keyword === 'oneOf')
    .reduce((a, b) => (b.schemaPath.length < a.schemaPath.length ? b : a), outer);
  const prefix = `${composite.schemaPath}/`;
  const within = (error: ErrorObject): boolean =>
    error.schemaPath.startsWith(prefix) && `${error.instancePath}/`.startsWith(`${composite.instancePath}/`);
  const inside = errors.filter((error) => error !== composite && within(error));
  const outside = errors.filter((error) => error !== composite && !within(error));
  const branches = new Map<string, ErrorObject[]>();
  for (const error of inside) {
    const index = error.schemaPath.slice(prefix.length).split('/')[0]!;
    branches.set(index, [...(branches.get(index) ?? []), error]);
  }
  const meant = [...branches.values()].filter(
    (branch) => !branch.some((error) => isOther(error, composite.instancePath)),
  );
  const best = meant.sort((a, b) => a.length - b.length)[0];
  // Two equal alternatives at different places: each is explained on its own.
  const explained = best === undefined ? [composite] : withoutBranches(best);
  return [...explained, ...withoutBranches(outside)];
}

/** This branch was not meant: another type of value, another word, another `type:`. */
function isOther(error: ErrorObject, path: string): boolean {
  if (error.instancePath === `${path}/type`) return error.keyword === 'const' || error.keyword === 'enum';
  if (error.instancePath !== path) return false;
  if (error.keyword === 'required') return error.params['missingProperty'] === 'type';
  return ['type', 'enum', 'const', 'anyOf', 'oneOf', 'pattern'].includes(error.keyword);
}

/** The schema whose keyword failed: `#/anyOf/1/items/minimum` → the one of `items`. There are no references in fragments. */
function schemaAt(schema: SchemaNode, schemaPath: string): SchemaNode {
  const parts = schemaPath.split('/').slice(1, -1);
  let current: unknown = schema;
  for (const part of parts) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    current = typeof current === 'object' && current !== null ? (current as Record<string, unknown>)[name] : undefined;
  }
  return (current ?? {}) as SchemaNode;
}

function valueAt(json: Json, path: Path): Json {
  return path.reduce<Json>((value, part) => (value as Readonly<Record<string, Json>>)[part] ?? null, json);
}

/** `/padding/1` → ['padding', 1]; a segment is an index where the document has a list. */
function pathOf(pointer: string, root: DocNode): Path {
  const path: (string | number)[] = [];
  let node: DocNode | undefined = root;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(node?.kind === 'list' ? Number(name) : name);
    node = child(node, name);
  }
  return path;
}

/** `padding[1]`, `checkpoint.every` */
export function fieldName(path: Path): string {
  return path.reduce<string>(
    (name, part) => (typeof part === 'number' ? `${name}[${part}]` : name === '' ? part : `${name}.${part}`),
    '',
  );
}
