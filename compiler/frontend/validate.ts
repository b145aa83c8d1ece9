/**
 * Checks one object of the document against its closed set of fields. Validators are compiled when first needed, one a
 * shape: a model uses a dozen of the hundred, and compiling them all would cost more than the rest of `dlc validate`.
 */
import Ajv, { type ValidateFunction } from 'ajv';
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { explain } from './explain';
import type { ObjectShape } from './language';
import { locationOf, toJson, type DocNode, type MapNode } from './node';

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  strict: false,
  // The fragments are ours and tested once; checking them in every process would be half of the start-up time.
  meta: false,
  validateSchema: false,
  addUsedSchema: false,
  logger: false,
});

const compiled = new WeakMap<ObjectShape, ValidateFunction>();

function validatorOf(shape: ObjectShape): ValidateFunction {
  let validator = compiled.get(shape);
  if (validator === undefined) {
    validator = ajv.compile({ type: 'object', properties: shape.fields });
    compiled.set(shape, validator);
  }
  return validator;
}

/** Unknown and missing fields; needs no values, so it holds before block parameters are filled in. */
export function checkKeys(node: MapNode, shape: ObjectShape, owner: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const [name, entry] of node.entries) {
    if (Object.hasOwn(shape.fields, name)) continue;
    found.push(say.unknownField(locationOf(entry.key), name, owner, Object.keys(shape.fields)));
  }
  for (const name of shape.required ?? []) {
    if (!node.entries.has(name)) found.push(say.missingField(locationOf(node), name, owner));
  }
  return found;
}

/** The values of the fields that are there. `json` is the node as plain values, where the caller has it already. */
export function checkValues(
  node: DocNode,
  shape: ObjectShape,
  owner: string,
  json: unknown = toJson(node),
): Diagnostic[] {
  const validate = validatorOf(shape);
  if (validate(json)) return [];
  return explain(validate.errors ?? [], node, owner);
}

/** Keys and values; a mapping or nothing of it. */
export function checkObject(node: DocNode, shape: ObjectShape, owner: string): Diagnostic[] {
  if (node.kind !== 'map')
    return [say.wrongType(locationOf(node), owner.replaceAll('`', ''), 'a mapping', toJson(node))];
  return [...checkKeys(node, shape, owner), ...checkValues(node, shape, owner)];
}
