/**
 * Freezing by pattern: the model with `frozen: true` on the layers, or single parameters, that stay as they are. The
 * layers then do what they do where a user writes it there: batch normalization goes by its running statistics.
 */
import type { Fields, GroupSpec, LayerSpec, Spec } from '../frontend/spec';
import { NORMALIZATIONS } from '../layers/normalization/index';
import { matcherOf, pathOf } from './patterns';
import { settingsOf, statesOf } from './settings';
import type { StateInfo } from './states';

export interface Freezing {
  readonly groups: readonly GroupSpec[];
  /** Patterns. */
  readonly frozen: readonly string[];
  /** Normalizations learn on all the same. */
  readonly trainNorms: boolean;
}

/** Whether a parameter stays as it is; a pattern covers buffers too. */
export function isFrozen(info: StateInfo, layer: LayerSpec | undefined, freezing: Freezing): boolean {
  const { groups, frozen, trainNorms } = freezing;
  if (info.role === 'parameter' && settingsOf(info, groups).frozen) return true;
  if (frozen.length === 0 || info.own['frozen'] === false || !matcherOf(frozen)(pathOf(info))) return false;
  return !(trainNorms && layer && Object.hasOwn(NORMALIZATIONS, layer.type));
}

/** The model itself where nothing is frozen. */
export function freeze(spec: Spec, freezing: Freezing): Spec {
  const { groups, frozen } = freezing;
  if (frozen.length === 0 && !groups.some(({ fields }) => fields['frozen'] === true)) return spec;
  const byLayer = new Map<string, StateInfo[]>();
  for (const info of statesOf(spec)) byLayer.set(info.layer, [...(byLayer.get(info.layer) ?? []), info]);
  const frozenOf = (layer: LayerSpec): LayerSpec => {
    const owner = typeof layer.fields['share'] === 'string' ? layer.fields['share'] : layer.name;
    const own = freezeLayer(layer, owner, byLayer.get(owner) ?? [], freezing);
    if (!layer.bodies) return own;
    const bodies = Object.entries(layer.bodies).map(([field, body]) => {
      return [field, { ...body, layers: body.layers.map(frozenOf) }] as const;
    });
    return { ...own, bodies: Object.fromEntries(bodies) };
  };
  return { ...spec, layers: spec.layers.map(frozenOf) };
}

function freezeLayer(layer: LayerSpec, owner: string, states: readonly StateInfo[], freezing: Freezing): LayerSpec {
  const parameters = states.filter(({ role }) => role === 'parameter');
  // A normalization without scale and shift has buffers alone.
  const counting = parameters.length > 0 ? parameters : states;
  const fixed = counting.filter((info) => isFrozen(info, layer, freezing));
  if (fixed.length === 0) return layer;
  if (fixed.length === counting.length) return { ...layer, fields: { ...layer.fields, frozen: true } };
  if (owner !== layer.name) return layer;
  const settings = Object.fromEntries(fixed.map(({ param, own }) => [param, { ...own, frozen: true }]));
  const written = layer.fields['parameters'] as Fields | undefined;
  return { ...layer, fields: { ...layer.fields, parameters: { ...written, ...settings } } };
}
