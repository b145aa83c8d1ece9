/**
 * The weights of a Keras model by layer, in the order in which Keras lists them, whichever way they are stored: groups
 * named like layers with a list of names (version 1 and 2), paths of classes and counters (version 3), or the manifest
 * of TensorFlow.js.
 */
import type { WeightTensor } from '../../../weights/content';
import type { KerasLayer, KerasModel } from './graph';
import { isModel } from './graph';

export interface StoredWeight {
  /** As the file calls it. */
  readonly name: string;
  readonly tensor: WeightTensor;
}

/** A layer by the models around it, the outermost first. */
export interface LayerPath {
  readonly models: readonly KerasModel[];
  /** The layer in each of those models that leads to it, itself at the end. */
  readonly layers: readonly KerasLayer[];
}

export interface WeightStore {
  /** Undefined where the file has nothing for the layer. */
  of(path: LayerPath): readonly StoredWeight[] | undefined;
  /** Names of everything in it. */
  names(): readonly string[];
}

/** Groups of versions 1 and 2: the weights of each layer of the outermost model, in order. */
export function layerGroups(groups: ReadonlyMap<string, readonly StoredWeight[]>): WeightStore {
  return {
    of({ layers }) {
      const [outer] = layers;
      const all = groups.get(outer!.name);
      if (all === undefined || layers.length === 1) return all;
      // All weights of a nested model stand in one group; their names hold those of the layers.
      const own = layers[layers.length - 1]!.name;
      return all.filter(({ name }) => scopes(name).includes(own));
    },
    names: () => [...groups.values()].flatMap((group) => group.map(({ name }) => name)),
  };
}

/** Weights in a row, whose names hold those of the layers. */
export function scopeStore(weights: readonly StoredWeight[]): WeightStore {
  return {
    of({ layers }) {
      const own = layers[layers.length - 1]!.name;
      const found = weights.filter(({ name }) => scopes(name).includes(own));
      return found.length === 0 ? undefined : found;
    },
    names: () => weights.map(({ name }) => name),
  };
}

/** `model_1/conv2d_1/kernel:0` → `model_1`, `conv2d_1`. */
function scopes(name: string): string[] {
  return name.split('/').slice(0, -1);
}

/** Parts of composite layers in the order in which Keras lists their weights. */
const PARTS = [
  'cell',
  'forward_layer',
  'backward_layer',
  'layer',
  'query_dense',
  'key_dense',
  'value_dense',
  'output_dense',
  'cells',
];
/** State of random generators, which is no weight. */
const NO_WEIGHTS = new Set(['seed_generator', 'optimizer', 'recurrent_seed_generator']);

/** `layers/conv2d_1/vars/0`: names of classes, counted where one comes again. */
export function pathStore(stored: ReadonlyMap<string, WeightTensor>): WeightStore {
  const tree = grow(stored);
  const root = ['layers', '_layer_checkpoint_dependencies'].find((name) => tree.children.has(name)) ?? 'layers';
  return {
    of({ models, layers }) {
      let at: Tree | undefined = tree;
      models.forEach((model, depth) => {
        if (model.layers.length === 0) {
          at = at?.children.get(model.name);
          return;
        }
        const container: Tree | undefined = at?.children.get(root) ?? at?.children.get('layers');
        at = container?.children.get(folderOf(model, layers[depth]!));
      });
      return at === undefined ? undefined : collect(at);
    },
    // The optimizer and the metrics keep theirs beside the layers.
    names: () =>
      [...stored.keys()]
        .map((path) => path.replace(/^\//, ''))
        .filter((path) => path.startsWith(`${root}/`) && !path.split('/').some((part) => NO_WEIGHTS.has(part))),
  };
}

interface Tree {
  readonly path: string;
  readonly children: Map<string, Tree>;
  tensor?: WeightTensor;
}

function grow(stored: ReadonlyMap<string, WeightTensor>): Tree {
  const root: Tree = { path: '', children: new Map() };
  for (const [path, tensor] of stored) {
    let at = root;
    for (const part of path.split('/').filter((part) => part !== '')) {
      let next = at.children.get(part);
      if (next === undefined) at.children.set(part, (next = { path: `${at.path}/${part}`, children: new Map() }));
      at = next;
    }
    at.tensor = tensor;
  }
  return root;
}

function collect(tree: Tree): StoredWeight[] {
  const variables = [...(tree.children.get('vars')?.children ?? [])]
    .sort(([a], [b]) => Number(a) - Number(b))
    .flatMap(([, { path, tensor }]) => (tensor === undefined ? [] : [{ name: path.slice(1), tensor }]));
  const rank = (name: string): number => {
    const at = PARTS.indexOf(name.replace(/^_/, ''));
    return at < 0 ? PARTS.length : at;
  };
  const parts = [...tree.children]
    .filter(([name]) => name !== 'vars' && !NO_WEIGHTS.has(name))
    .sort(([a], [b]) => rank(a) - rank(b));
  return [...variables, ...parts.flatMap(([, part]) => collect(part))];
}

/** The folder of a layer: its class in small letters, with a number from the second of that class on. */
function folderOf(model: KerasModel, layer: KerasLayer): string {
  const word = snakeCase(classOf(layer));
  const before = model.layers.slice(0, model.layers.indexOf(layer)).filter((one) => snakeCase(classOf(one)) === word);
  return before.length === 0 ? word : `${word}_${before.length}`;
}

/** Functional models are saved as `Functional` whatever their configuration calls them. */
const classOf = ({ type }: KerasLayer): string =>
  isModel(type) && type !== 'Sequential' ? 'Functional' : (REGISTERED[type] ?? type);

/** Classes that are registered under another name than their own. */
const REGISTERED: Readonly<Record<string, string>> = { GroupQueryAttention: 'GroupedQueryAttention' };

export function snakeCase(name: string): string {
  return name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}
