/**
 * Keeps the published schema small: what several definitions say alike, such as an initializer, a `kernel` or the common
 * fields of layers, becomes one definition, `field-<name>`, that they refer to. Means the same before and after.
 */
import type { Json } from './spec';
import { isSchema, type SchemaNode } from './words';

/** Shorter ones, as JSON, are as well written out as referred to. */
const WORTHWHILE = 80;

type Schema = { readonly [keyword: string]: Json };

/** The schema with what repeats among its `$defs`. */
export function shareParts(schema: Schema): Schema {
  const uses = new Map<string, number>();
  const names = new Map<string, string>();
  const parts: Record<string, Schema> = {};
  const taken = new Set<string>();

  const count = (node: Schema): void => {
    forEachChild(node, (child) => {
      const text = JSON.stringify(child);
      const before = uses.get(text) ?? 0;
      uses.set(text, before + 1);
      // What is inside of a repeated part is there once.
      if (before === 0) count(child);
    });
  };

  const rewrite = (node: Schema, name: string): Schema =>
    mapChildren(node, name, (child, childName) => {
      const text = JSON.stringify(child);
      if ((uses.get(text) ?? 0) < 2 || text.length < WORTHWHILE) return rewrite(child, childName);
      let part = names.get(text);
      if (part === undefined) {
        part = free(`field-${childName}`, taken);
        names.set(text, part);
        parts[part] = rewrite(child, childName);
      }
      return { $ref: `#/$defs/${part}` };
    });

  count(schema);
  const { $defs, ...rest } = rewrite(schema, 'model');
  const sorted = Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...rest, $defs: { ...($defs as Schema), ...Object.fromEntries(sorted) } };
}

function free(name: string, taken: Set<string>): string {
  let candidate = name;
  for (let n = 2; taken.has(candidate); n++) candidate = `${name}-${n}`;
  taken.add(candidate);
  return candidate;
}

const ONE = new Set(['items', 'additionalProperties', 'not', 'then', 'propertyNames']);
const LISTED = new Set(['anyOf', 'oneOf', 'allOf']);
const NAMED = new Set(['properties', '$defs']);

/** Only where schemas stand: a default or the choices of an `enum` are values. */
function mapChildren(node: Schema, name: string, map: (child: Schema, name: string) => Json): Schema {
  const at = (value: Json, childName: string): Json => (isSchema(value) ? map(value, childName) : value);
  return Object.fromEntries(
    Object.entries(node).map(([keyword, value]): [string, Json] => {
      if (ONE.has(keyword)) return [keyword, at(value, name)];
      if (LISTED.has(keyword) && Array.isArray(value)) {
        return [keyword, value.map((child: Json) => at(child, (isSchema(child) ? wordOf(child) : undefined) ?? name))];
      }
      if (NAMED.has(keyword) && isSchema(value)) {
        return [keyword, Object.fromEntries(Object.entries(value).map(([key, child]) => [key, at(child, key)]))];
      }
      return [keyword, value];
    }),
  );
}

function forEachChild(node: Schema, visit: (child: Schema) => void): void {
  mapChildren(node, '', (child) => {
    visit(child);
    return child;
  });
}

/** The word of a branch `{type: {const: word}, ...}`. */
export function wordOf(schema: SchemaNode): string | undefined {
  const type = isSchema(schema['properties']) ? schema['properties']['type'] : undefined;
  return isSchema(type) && typeof type['const'] === 'string' ? type['const'] : undefined;
}
