/** What a model says of itself, as properties of the file: its model file's words, and what its weights learned of data. */
import { knownClasses } from '../../../data/classes';
import type { Learned } from '../../../data/learned';
import type { Spec } from '../../../frontend/spec';
import { normalizationOf } from '../prediction';

/** In the order in which they are written. */
export function metadataOf(spec: Spec, learned: Learned): Record<string, string> {
  const written: Record<string, string> = { model_name: spec.name };
  if (spec.description !== undefined) written['model_description'] = spec.description;
  for (const input of Object.keys(learned).sort()) {
    const names = knownClasses(learned, input);
    if (names) written[`labels.${input}`] = JSON.stringify(names);
  }
  for (const [field, text] of normalizationOf(spec)) written[`input.${field}`] = text;
  return written;
}
