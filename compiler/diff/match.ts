/**
 * Which layer of one model is which of another: by name, else by what it is and where it stands. A layer that was only
 * renamed, by hand or because its block is cut otherwise, is found by its type, its fields and the layers that feed it.
 */
import { DEFINITIONS, wordOf } from '../frontend/definitions';
import type { Fields, Json, Spec } from '../frontend/spec';
import { withDefaults } from '../lower/defaults';
import { canonical } from './values';

/** A layer as the expanded model has it, defaults filled in. */
export interface Plain {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly string[];
  /** Everything else. */
  readonly fields: Fields;
}

/** Names of layers of the first model in the second. */
export type Renaming = ReadonlyMap<string, string>;

export function plainLayers(spec: Spec): Plain[] {
  const written = spec.resolved['layers'] as readonly Fields[];
  return spec.layers.map(({ name, type, inputs }, i) => {
    const fields = Object.entries(written[i]!).filter(
      ([field, value]) => !['name', 'type', 'inputs'].includes(field) && !(field === 'frozen' && value === false),
    );
    const def = wordOf(DEFINITIONS.layers, type);
    const own = Object.fromEntries(fields);
    return { name, type, inputs, fields: def ? withDefaults(def, own) : own };
  });
}

/** A reference in the first model as the second one says it; `layer.output` keeps its output. */
export function translate(reference: string, renaming: Renaming): string {
  const whole = renaming.get(reference);
  if (whole !== undefined) return whole;
  const dot = reference.lastIndexOf('.');
  const layer = dot < 0 ? undefined : renaming.get(reference.slice(0, dot));
  return layer === undefined ? reference : layer + reference.slice(dot);
}

/** Fields that name other layers. */
const REFERENCES = new Set(['else', 'next', 'share']);

export function translated({ name, type, inputs, fields }: Plain, renaming: Renaming): Plain {
  const entries = Object.entries(fields).map(([field, value]): [string, Json] => [
    field,
    REFERENCES.has(field) && typeof value === 'string' ? translate(value, renaming) : value,
  ]);
  return {
    name: renaming.get(name) ?? name,
    type,
    inputs: inputs.map((input) => translate(input, renaming)),
    fields: Object.fromEntries(entries),
  };
}

/** How sure a likeness is, the surest first: what two layers must have in common. */
const LIKENESSES: readonly ((layer: Plain) => string)[] = [
  ({ type, inputs, fields }) => canonical([type, [...inputs], fields]),
  ({ type, fields }) => canonical([type, fields]),
  ({ type, inputs }) => canonical([type, [...inputs]]),
];

export function matchLayers(before: readonly Plain[], after: readonly Plain[]): Renaming {
  const names = new Map(after.map((layer) => [layer.name, layer]));
  const renaming = new Map<string, string>();
  for (const { name, type } of before) if (names.get(name)?.type === type) renaming.set(name, name);
  const taken = new Set(renaming.values());
  for (const likeness of LIKENESSES) {
    const free = new Map<string, string[]>();
    for (const layer of after) {
      if (taken.has(layer.name)) continue;
      const key = likeness(layer);
      free.set(key, [...(free.get(key) ?? []), layer.name]);
    }
    // In the order of the graph, so that what feeds a layer has its new name already.
    for (const layer of before) {
      if (renaming.has(layer.name)) continue;
      const found = free.get(likeness(translated(layer, renaming)))?.shift();
      if (found === undefined) continue;
      renaming.set(layer.name, found);
      taken.add(found);
    }
  }
  // One name for another kind of layer is a change of that layer.
  for (const { name } of before) {
    if (!renaming.has(name) && names.has(name) && !taken.has(name)) renaming.set(name, name);
  }
  return renaming;
}
