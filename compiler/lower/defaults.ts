/** Fills in the defaults that a definition gives its fields, so that lowerings read one complete record. */
import type { Described } from '../frontend/describe';
import type { Fields, Json } from '../frontend/spec';

const CACHE = new WeakMap<Described, Fields>();

export function withDefaults(def: Described, fields: Fields): Fields {
  return { ...defaultsOf(def), ...fields };
}

function defaultsOf(def: Described): Fields {
  let defaults = CACHE.get(def);
  if (!defaults) {
    const entries = Object.entries(def.fields).filter(
      (entry): entry is [string, { description: string; default: Json }] => entry[1].default !== undefined,
    );
    defaults = Object.fromEntries(entries.map(([name, schema]) => [name, schema.default]));
    CACHE.set(def, defaults);
  }
  return defaults;
}

/** The word of a field that takes a bare word or an object with a `type`, and its fields. */
export function typedItem(item: Json): { readonly type: string; readonly fields: Fields } {
  if (typeof item === 'string') return { type: item, fields: {} };
  if (item === null || typeof item !== 'object' || Array.isArray(item)) return { type: String(item), fields: {} };
  const { type, ...fields } = item as Fields;
  return { type: typeof type === 'string' ? type : JSON.stringify(type), fields };
}
