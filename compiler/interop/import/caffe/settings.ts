/**
 * What a net says of its learned tensors (rates, decays, fillers, shared names) as fields of layers, short where it can
 * be: a layer that does not learn is `frozen`, tensors of another layer are `share`.
 */
import type { Json } from '../../../frontend/spec';
import { LAYERS } from '../../../layers';
import type { LayerDef } from '../../../layers/define';
import type { Conversion } from './conversion';
import type { Made, Setting } from './value';

/** What a tensor starts as where nothing is said: of tensors that Caffe starts in the same way. */
const USUAL_START: Readonly<Record<string, Json>> = { bias: 'zeros', beta: 'zeros', gamma: 'ones', mean: 'zeros' };

export function composeSettings(layers: readonly Made[], conversion: Conversion): void {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  for (const layer of layers) {
    shareTensors(layer, byName);
    if (conversion.training) compose(layer);
  }
}

/** Shared tensors belong to the layers whatever becomes of the training. */
function shareTensors(layer: Made, byName: ReadonlyMap<string, Made>): void {
  const shares = [...layer.settings].filter(([, { share }]) => share !== undefined);
  if (shares.length === 0) return;
  const targets = shares.map(([param, { share }]) => {
    const [owner = '', index = '0'] = share!.split('#');
    return { param, owner, theirs: [...(byName.get(owner)?.settings.keys() ?? [])][Number(index)] };
  });
  const [{ owner }] = targets as [(typeof targets)[0]];
  const whole =
    targets.length === layer.settings.size &&
    byName.get(owner)?.type === layer.type &&
    targets.every((target) => target.owner === owner && target.theirs === target.param);
  if (whole) layer.fields.share = owner;
  else {
    const parameters = Object.fromEntries(
      targets.map((t) => [t.param, { share: `${t.owner}.${t.theirs ?? t.param}` }]),
    );
    layer.fields.parameters = { ...(layer.fields.parameters as Record<string, Json> | undefined), ...parameters };
  }
  for (const { param } of targets) layer.settings.delete(param);
}

function compose(layer: Made): void {
  const settings = [...layer.settings];
  if (settings.length === 0) return;
  const frozen = settings.every(([, { lr }]) => lr === 0);
  const parameters: Record<string, Json> = {};
  for (const [param, setting] of settings) {
    const { init } = setting;
    const said: Record<string, Json> = {};
    if (init !== undefined && !(JSON.stringify(init) === JSON.stringify(USUAL_START[param]))) {
      if (param === 'weight' && hasInit(layer.type)) layer.fields.init = init;
      else said.init = init;
    }
    if (!frozen) Object.assign(said, rates(layer, param, setting));
    if (Object.keys(said).length > 0) parameters[param] = said;
  }
  if (frozen) layer.fields.frozen = true;
  if (Object.keys(parameters).length > 0) {
    layer.fields.parameters = { ...(layer.fields.parameters as Record<string, Json> | undefined), ...parameters };
  }
}

function rates(layer: Made, param: string, { lr, decay }: Setting): Record<string, Json> {
  if (lr === 0) return { frozen: true };
  // Slopes of prelu alone are without decay unless told.
  const usual = layer.type === 'prelu' && param === 'slope' ? 0 : 1;
  return { ...(lr === 1 ? {} : { lr }), ...(decay === usual ? {} : { decay }) };
}

function hasInit(type: string): boolean {
  return (LAYERS as Readonly<Record<string, LayerDef>>)[type]?.fields?.init !== undefined;
}
