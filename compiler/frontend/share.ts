/** `share`: which layer's parameters a layer uses. Chains lead to the layer that owns them; types must be the same. */
import * as say from '../diagnostics/catalogue';
import type { Collector } from '../diagnostics/collector';
import { through } from '../diagnostics/make';
import type { Definitions } from './definitions';
import { textOf } from './node';
import { allLayers, type Fields, type LayerSpec } from './spec';
import { tiesOf } from './tied';

/** Where `share` of a control layer reaches the layers inside of it: those without parameters do not mind. */
export const INHERITED_SHARE = 'share (inherited)';

/** The same layers, each `share` replaced by the name of the layer that owns the parameters. */
export function resolveSharing(
  layers: readonly LayerSpec[],
  definitions: Definitions,
  collector: Collector,
): LayerSpec[] {
  const byName = new Map(allLayers(layers).map((layer) => [layer.name, inherit(layer, definitions)]));
  const resolveAll = (list: readonly LayerSpec[]): LayerSpec[] => list.map((layer) => resolveOne(layer));
  const resolveOne = (written: LayerSpec): LayerSpec => {
    const layer = withBodies(inherit(written, definitions), resolveAll);
    checkTies(layer, byName, definitions, collector);
    if (layer.fields['share'] === undefined) return layer;
    const fail = (target: string, problem: string): LayerSpec => {
      const at = layer.at(['share']);
      collector.report(through(say.shareMismatch(at, layer.name, target, problem), layer.origin.via));
      return layer;
    };
    const passed = new Set([layer.name]);
    let owner: LayerSpec = layer;
    for (let next = owner.fields['share']; next !== undefined; next = owner.fields['share']) {
      const name = textOf(next);
      const target = byName.get(name);
      if (target === undefined) return fail(name, 'it is not a layer');
      if (passed.has(name)) return fail(name, 'they share with each other, and none has parameters of its own');
      passed.add(name);
      owner = target;
    }
    if (owner.type !== layer.type) return fail(owner.name, `one is \`${layer.type}\`, the other \`${owner.type}\``);
    if (layer.bodies === undefined && !keepsTensors(layer, definitions)) {
      return fail(owner.name, `\`${layer.type}\` has no parameters`);
    }
    return { ...layer, fields: { ...layer.fields, share: owner.name } };
  };
  return resolveAll(layers);
}

/** A tie names a parameter that the other layer has, and is not a tie itself. */
function checkTies(
  layer: LayerSpec,
  byName: ReadonlyMap<string, LayerSpec>,
  definitions: Definitions,
  collector: Collector,
): void {
  for (const { param, share } of tiesOf(layer.fields)) {
    const dot = share.lastIndexOf('.');
    const [name, of] = [share.slice(0, dot), share.slice(dot + 1)];
    const owner = byName.get(name);
    const known = (owner && definitions.layers[owner.type]?.parameters) ?? [];
    const fail = (problem: string): void => {
      const at = layer.at(['parameters', param, 'share']);
      collector.report(through(say.shareMismatch(at, layer.name, share, problem), layer.origin.via));
    };
    if (owner === undefined) fail('it is not a layer');
    else if (!known.includes(of)) fail(`\`${owner.type}\` has no parameter called \`${of}\``);
    else if (tiesOf(owner.fields).some((tie) => tie.param === of)) fail('it is shared from another layer itself');
    else if (Object.keys((layer.fields['parameters'] as Fields)[param] as Fields).length > 1) {
      fail('its other settings stand at the layer that it belongs to');
    }
  }
}

/** Turns an inherited share into one of the layer's own, or drops it where there is nothing to share. */
function inherit(layer: LayerSpec, definitions: Definitions): LayerSpec {
  const { [INHERITED_SHARE]: inherited, ...fields } = layer.fields;
  if (inherited === undefined) return layer;
  return { ...layer, fields: keepsTensors(layer, definitions) ? { ...fields, share: inherited } : fields };
}

function keepsTensors(layer: LayerSpec, definitions: Definitions): boolean {
  const { parameters = [], buffers = [] } = definitions.layers[layer.type] ?? {};
  return parameters.length + buffers.length > 0;
}

function withBodies(layer: LayerSpec, map: (layers: readonly LayerSpec[]) => LayerSpec[]): LayerSpec {
  if (layer.bodies === undefined) return layer;
  const bodies = Object.entries(layer.bodies).map(([field, body]) => [field, { ...body, layers: map(body.layers) }]);
  return { ...layer, bodies: Object.fromEntries(bodies) as typeof layer.bodies };
}
