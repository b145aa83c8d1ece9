/** `parameters: {weight: {share: embedding.weight}}`: single parameters that are those of other layers. */
import { texts } from './blocks';
import { child, type DocNode, type MapNode, type ScalarNode } from './node';
import type { Target } from './scope';
import type { Fields } from './spec';

export interface TiedParameter {
  readonly param: string;
  /** The parameter of the other layer. */
  readonly of: string;
  /** The other layer. */
  readonly target: Target;
}

export function tiedIn(node: MapNode, reference: (text: ScalarNode) => Target): readonly TiedParameter[] {
  const parameters = child(node, 'parameters');
  if (parameters?.kind !== 'map') return [];
  return [...parameters.entries].flatMap(([param, { value }]) => tiedTo(param, value, reference));
}

function tiedTo(param: string, settings: DocNode, reference: (text: ScalarNode) => Target): TiedParameter[] {
  return texts(child(settings, 'share')).map((text) => {
    const written = String(text.value);
    const dot = written.lastIndexOf('.');
    const layer = { ...text, value: written.slice(0, dot) };
    return { param, of: written.slice(dot + 1), target: reference(layer) };
  });
}

/** The layer's fields with full names in its ties. */
export function withTies(fields: Fields, ties: readonly { readonly param: string; readonly share: string }[]): Fields {
  if (ties.length === 0) return fields;
  const parameters = { ...(fields['parameters'] as Fields) };
  for (const { param, share } of ties) parameters[param] = { ...(parameters[param] as Fields), share };
  return { ...fields, parameters };
}

/** The ties of a layer whose names are full. */
export function tiesOf(fields: Fields): readonly { readonly param: string; readonly share: string }[] {
  const { parameters } = fields;
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) return [];
  return Object.entries(parameters as Fields).flatMap(([param, settings]) => {
    const share = (settings as Fields | null)?.['share'];
    return typeof share === 'string' ? [{ param, share }] : [];
  });
}
