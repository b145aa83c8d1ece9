/**
 * Checks one object of the document against its closed set of fields, field by field. The validators are generated into
 * `generated/validators.js` (`npm run generate`): compiling them in every process would cost more than all the rest of
 * `dlc validate`. A schema that is not in there, because its definition changed since, is compiled on the spot.
 */
import { createRequire } from 'node:module';
import type { Ajv, ErrorObject } from 'ajv';
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { nearest } from '../diagnostics/nearest';
import type { FieldSchema } from './describe';
import { explain } from './explain';
import validators from './generated/validators';
import type { ObjectShape } from './language';
import { locationOf, toJson, type DocNode, type MapNode } from './node';
import { keyOf } from './schema-key';

export interface Validator {
  (value: unknown): boolean;
  errors?: readonly ErrorObject[] | null;
}

const known = new WeakMap<FieldSchema, Validator>();

function validatorOf(schema: FieldSchema): Validator {
  let validator = known.get(schema);
  if (validator === undefined) {
    validator = isOpen(schema) ? () => true : (validators[keyOf(schema)] ?? compile(schema));
    known.set(schema, validator);
  }
  return validator;
}

/** Says nothing about the value: the argument of a block, whose type its declaration gives. */
function isOpen(schema: FieldSchema): boolean {
  return Object.keys(schema).every((keyword) => keyword === 'description' || keyword === 'default');
}

export const AJV_OPTIONS = {
  allErrors: true,
  strict: false,
  // The fragments are ours and a test checks them once; checking them in every process costs half of the start-up.
  meta: false,
  validateSchema: false,
  addUsedSchema: false,
  logger: false,
} as const;

let ajv: Ajv | undefined;

/** Loads the schema compiler itself only when it is needed, which with fresh generated validators is never. */
function compile(schema: FieldSchema): Validator {
  if (ajv === undefined) {
    const load = createRequire(__filename);
    const { Ajv: Compiler } = load('ajv') as typeof import('ajv');
    ajv = new Compiler(AJV_OPTIONS);
  }
  return ajv.compile(schema);
}

/** The fields that are there, mistyped ones too: a slip of the finger is one mistake and not also a missing field. */
export function meantFields(node: MapNode, shape: ObjectShape): ReadonlySet<string> {
  const fields = Object.keys(shape.fields);
  const meant = [...node.entries.keys()].map((name) => (fields.includes(name) ? name : nearest(name, fields)));
  return new Set(meant.filter((name) => name !== undefined));
}

/** Unknown and missing fields; needs no values, so it holds before block parameters are filled in. */
export function checkKeys(node: MapNode, shape: ObjectShape, owner: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const [name, entry] of node.entries) {
    if (Object.hasOwn(shape.fields, name)) continue;
    found.push(say.unknownField(locationOf(entry.key), name, owner, Object.keys(shape.fields)));
  }
  const missing = (shape.required ?? []).filter((name) => !node.entries.has(name));
  const meant = missing.length > 0 ? meantFields(node, shape) : undefined;
  for (const name of missing) {
    if (meant?.has(name) !== true) found.push(say.missingField(locationOf(node), name, owner));
  }
  return found;
}

/** The values of the fields that are there. */
export function checkValues(node: MapNode, shape: ObjectShape): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const [name, { value }] of node.entries) {
    const schema = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
    if (schema === undefined) continue;
    const validate = validatorOf(schema);
    const json = toJson(value);
    if (!validate(json)) found.push(...explain(validate.errors ?? [], { node: value, json, schema, name }));
  }
  return found;
}

/** Keys and values; what should be a mapping must be one. */
export function checkObject(node: DocNode, shape: ObjectShape, owner: string): Diagnostic[] {
  if (node.kind !== 'map') return [say.wrongKind(locationOf(node), owner, 'a mapping', toJson(node))];
  return [...checkKeys(node, shape, owner), ...checkValues(node, shape)];
}
