/**
 * What readers do to the layers they have made before these are written: activations become a field of the layer before
 * them, and layers that nobody reads are left out.
 */
import type { Json } from '../../frontend/spec';
import { ACTIVATION_LAYERS } from '../../layers/activations';
import { LAYERS } from '../../layers';
import type { LayerDef } from '../../layers/define';

/** A layer in the making. */
export interface LooseLayer {
  readonly name: string;
  readonly type: string;
  inputs: string[];
  fields: Record<string, Json>;
  readonly when?: string;
}

/** Of `layer.output` the layer. */
export function layerOf(ref: string): string {
  const dot = ref.indexOf('.');
  return dot < 0 ? ref : ref.slice(0, dot);
}

/** A softmax is the end of a model, and worth a line of its own. */
const APART = new Set(['softmax', 'log_softmax']);

const definition = (type: string): LayerDef | undefined => (LAYERS as Readonly<Record<string, LayerDef>>)[type];

const activates = ({ type, fields }: LooseLayer): boolean =>
  definition(type)?.activates === true && fields.activation === undefined;

/**
 * Writes each activation that is the only reader of the layer before it as that layer's `activation`. `read` are the
 * names that something else reads: outputs, losses, metrics. Gives what the names that are gone are now.
 */
export function mergeActivations<T extends LooseLayer>(
  layers: readonly T[],
  read: readonly string[],
): { readonly layers: T[]; readonly renamed: ReadonlyMap<string, string> } {
  const readers = countReaders(layers, read);
  const renamed = new Map<string, string>();
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const kept = layers.filter((layer) => {
    layer.inputs = layer.inputs.map((input) => renamed.get(input) ?? input);
    const [input] = layer.inputs;
    if (input === undefined || layer.inputs.length > 1 || APART.has(layer.type) || !(layer.type in ACTIVATION_LAYERS))
      return true;
    if (Object.keys(layer.fields).some((name) => !isActivationField(layer, name))) return true;
    const before = byName.get(input);
    if (before === undefined || !activates(before) || readers.get(before.name) !== 1 || before.when !== layer.when)
      return true;
    const hasFields = Object.keys(layer.fields).length > 0;
    before.fields.activation = hasFields ? { type: layer.type, ...layer.fields } : layer.type;
    renamed.set(layer.name, before.name);
    readers.set(before.name, readers.get(layer.name) ?? 0);
    return false;
  });
  return { layers: kept, renamed };
}

/** What belongs to the layer and not to its function: settings of parameters, sharing. */
function isActivationField(layer: LooseLayer, name: string): boolean {
  return definition(layer.type)?.fields?.[name] !== undefined;
}

/** The layers that `read` needs, directly or through others. */
export function withoutUnread<T extends LooseLayer>(layers: readonly T[], read: readonly string[]): T[] {
  const needed = new Set(read.map(layerOf));
  for (const layer of [...layers].reverse()) {
    if (needed.has(layer.name)) for (const input of layer.inputs) needed.add(layerOf(input));
  }
  return layers.filter(({ name }) => needed.has(name));
}

function countReaders(layers: readonly LooseLayer[], read: readonly string[]): Map<string, number> {
  const readers = new Map<string, number>();
  const count = (ref: string): void => void readers.set(layerOf(ref), (readers.get(layerOf(ref)) ?? 0) + 1);
  for (const ref of read) count(ref);
  for (const { inputs } of layers) for (const ref of inputs) count(ref);
  return readers;
}
