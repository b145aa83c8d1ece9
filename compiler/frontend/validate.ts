/** Checks one object of the document against its closed set of fields, field by field. */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { nearest } from '../diagnostics/nearest';
import { failures } from './conform';
import { explain } from './explain';
import type { ObjectShape } from './language';
import { locationOf, toJson, type DocNode, type MapNode } from './node';

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
    const json = toJson(value);
    const failed = failures(schema, json);
    if (failed.length > 0) found.push(...explain(failed, { node: value, json, name }));
  }
  return found;
}

/** Keys and values; what should be a mapping must be one. */
export function checkObject(node: DocNode, shape: ObjectShape, owner: string): Diagnostic[] {
  if (node.kind !== 'map') return [say.wrongKind(locationOf(node), owner, 'a mapping', toJson(node))];
  return [...checkKeys(node, shape, owner), ...checkValues(node, shape)];
}
