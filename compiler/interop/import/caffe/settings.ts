/**
 * What a net says of its learned tensors (rates, decays, fillers, shared names) as fields of layers, short where it can
 * be: a layer that does not learn is `frozen`, tensors of another layer are `share`.
 */
import type { Json } from '../../../frontend/spec';
import { LAYERS } from '../../../layers';
import type { LayerDef } from '../../../layers/define';
import type { Conversion } from './conversion';
import type { Made, Setting } from './value';

const ONES = JSON.stringify('ones');
const ZEROS = JSON.stringify('zeros');

/** What a tensor starts as where nothing is said, as JSON; undefined where that is drawn. */
function usualStart(type: string, param: string): string | undefined {
  if (param === 'bias' || param === 'beta') return ZEROS;
  if (param === 'slope') return JSON.stringify({ type: 'constant', value: 0.25 });
  if (param === 'gamma') return type === 'l2_normalize' ? JSON.stringify({ type: 'constant', value: 20 }) : ONES;
  return type === 'scale' ? ONES : undefined;
}

/** Rates and decays that all biases have, as a group of the training section says them. */
export interface BiasRates {
  readonly lr: number;
  readonly decay: number;
}

/**
 * Writes the settings into the layers' fields; gives those of the biases, where most have the same ones and a training
 * section can say them once.
 */
export function composeSettings(layers: readonly Made[], conversion: Conversion): BiasRates | undefined {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  for (const layer of layers) shareTensors(layer, byName);
  if (!conversion.training) return undefined;
  const group = conversion.hasSolver ? usualBiases(layers) : undefined;
  for (const layer of layers) compose(layer, group);
  return group;
}

/** What most of the biases that learn have, where it is not what biases have anyway. */
function usualBiases(layers: readonly Made[]): BiasRates | undefined {
  const counts = new Map<string, { readonly rates: BiasRates; count: number }>();
  let all = 0;
  for (const layer of layers) {
    const bias = layer.settings.get('bias');
    if (bias === undefined || !grouped(layer) || isFrozen(layer)) continue;
    all++;
    const key = `${bias.lr} ${bias.decay}`;
    const known = counts.get(key) ?? { rates: { lr: bias.lr, decay: bias.decay }, count: 0 };
    known.count++;
    counts.set(key, known);
  }
  const found = [...counts.values()].find(({ count }) => count > 1 && count * 2 > all)?.rates;
  return found === undefined || found.lr === 0 || (found.lr === 1 && found.decay === 1) ? undefined : found;
}

/** Layers whose bias is of the kind `bias`: all but normalizations, which call theirs otherwise. */
const grouped = ({ settings }: Made): boolean => settings.has('bias');

const isFrozen = ({ settings }: Made): boolean => [...settings.values()].every(({ lr }) => lr === 0);

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

function compose(layer: Made, group: BiasRates | undefined): void {
  const settings = [...layer.settings];
  if (settings.length === 0) return;
  const frozen = isFrozen(layer);
  const parameters: Record<string, Json> = {};
  for (const [param, setting] of settings) {
    const { init } = setting;
    const said: Record<string, Json> = {};
    if (init !== undefined && JSON.stringify(init) !== usualStart(layer.type, param)) {
      if (param === 'weight' && hasInit(layer.type)) layer.fields.init = init;
      else said.init = init;
    }
    if (!frozen)
      Object.assign(said, rates(layer, param, setting, param === 'bias' && grouped(layer) ? group : undefined));
    if (Object.keys(said).length > 0) parameters[param] = said;
  }
  if (frozen) layer.fields.frozen = true;
  if (Object.keys(parameters).length > 0) {
    layer.fields.parameters = { ...(layer.fields.parameters as Record<string, Json> | undefined), ...parameters };
  }
}

function rates(layer: Made, param: string, { lr, decay }: Setting, group: BiasRates | undefined): Record<string, Json> {
  if (lr === 0) return { frozen: true };
  // Slopes of prelu alone are without decay unless told.
  const usual = group ?? { lr: 1, decay: layer.type === 'prelu' && param === 'slope' ? 0 : 1 };
  return { ...(lr === usual.lr ? {} : { lr }), ...(decay === usual.decay ? {} : { decay }) };
}

function hasInit(type: string): boolean {
  return (LAYERS as Readonly<Record<string, LayerDef>>)[type]?.fields?.init !== undefined;
}
