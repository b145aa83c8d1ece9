/**
 * Makes layers of several nodes one where a person would write one: an addition of fixed numbers behind a convolution is
 * its bias, an activation behind a layer is that layer's, a global pooling that is flattened has no axes to keep.
 */
import type { Fields } from '../../../frontend/spec';
import { LAYERS } from '../../../layers';
import type { LayerDef } from '../../../layers/define';
import type { Layer } from './layer';
import type { Value } from './value';

/** Activations without weights of their own that layers have as a field. */
const ACTIVATIONS = new Set([
  'relu',
  'leaky_relu',
  'sigmoid',
  'tanh',
  'gelu',
  'silu',
  'elu',
  'softplus',
  'relu6',
  'celu',
  'selu',
  'mish',
  'hard_sigmoid',
  'hard_swish',
  'softsign',
]);

const defOf = (type: string): LayerDef | undefined => (LAYERS as Readonly<Record<string, LayerDef>>)[type];

/** Which layers read which, and what is left of them. */
export class Readers {
  private readonly readers = new Map<Layer, Layer[]>();
  private readonly kept = new Set<Layer>();

  constructor(
    readonly layers: readonly Layer[],
    readonly outputs: readonly Value[],
  ) {
    for (const layer of layers) {
      const all = [
        ...layer.inputs,
        ...Object.values(layer.bodies ?? {}).flatMap((body) => body.outputs.map(({ value }) => value)),
      ];
      for (const input of all) {
        const from = layerOf(input);
        if (from === undefined) continue;
        const there = this.readers.get(from);
        if (there) there.push(layer);
        else this.readers.set(from, [layer]);
      }
    }
    for (const output of outputs) {
      const from = layerOf(output);
      if (from) this.kept.add(from);
    }
  }

  /** The one reader of a layer's first output, where nothing else reads anything of it. */
  only(layer: Layer): Layer | undefined {
    const all = this.readers.get(layer) ?? [];
    if (this.kept.has(layer) || all.length !== 1) return undefined;
    const plain = all[0]!.inputs.every((input) => layerOf(input) !== layer || isFirst(input));
    return plain ? all[0] : undefined;
  }
}

export function layerOf(value: Value): Layer | undefined {
  return value.from && 'layer' in value.from ? value.from.layer : undefined;
}

function isFirst(value: Value): boolean {
  return value.from !== undefined && 'layer' in value.from && value.from.output === undefined;
}

/** The layers that outputs depend on, in order. */
export function reachable(layers: readonly Layer[], outputs: readonly Value[]): Layer[] {
  const needed = new Set<Layer>();
  const open = outputs.map(layerOf).filter((layer) => layer !== undefined);
  while (open.length > 0) {
    const layer = open.pop()!;
    if (needed.has(layer)) continue;
    needed.add(layer);
    for (const input of layer.inputs) {
      const from = layerOf(input);
      if (from) open.push(from);
    }
  }
  return layers.filter((layer) => needed.has(layer));
}

export interface Merged {
  readonly layers: readonly Layer[];
  /** Layers that have become part of another one. */
  readonly into: ReadonlyMap<Layer, Layer>;
}

/** Joins layers with the one before; what is joined answers for both from then on. */
export function mergeLayers(layers: readonly Layer[], outputs: readonly Value[]): Merged {
  const into = new Map<Layer, Layer>();
  const final = (layer: Layer): Layer => (into.has(layer) ? final(into.get(layer)!) : layer);
  const readers = new Readers(layers, outputs);
  for (const layer of layers) {
    const from = layer.inputs[0] && isFirst(layer.inputs[0]) ? layerOf(layer.inputs[0]) : undefined;
    if (from === undefined || readers.only(from) !== layer) continue;
    const before = final(from);
    if (joinBias(before, layer) || joinActivation(before, layer) || joinFlatten(before, layer)) {
      into.set(layer, before);
      before.wish = preferred(before, layer);
    }
  }
  return { layers: layers.filter((layer) => !into.has(layer)), into };
}

function preferred(before: Layer, layer: Layer): string {
  return layer.comment === undefined ? before.wish : layer.wish;
}

function joinActivation(before: Layer, layer: Layer): boolean {
  if (!ACTIVATIONS.has(layer.type) || defOf(before.type)?.activates !== true) return false;
  if ('activation' in before.fields || layer.inputs.length !== 1) return false;
  const bare = Object.keys(layer.fields).length === 0;
  before.fields = { ...before.fields, activation: bare ? layer.type : { type: layer.type, ...layer.fields } };
  return true;
}

const BIASED = /^(conv(_transpose)?[123]d|dense)$/;

/** A `bias` along the channels behind a layer that has none. */
function joinBias(before: Layer, layer: Layer): boolean {
  if (layer.type !== 'bias' || layer.inputs.length !== 1 || !BIASED.test(before.type)) return false;
  const bias = layer.tensors.get('bias');
  if (bias === undefined || before.fields.bias !== false || 'activation' in before.fields) return false;
  if (before.fields.given !== undefined) return false;
  const { axis = 1, num_axes: axes = 1 } = layer.fields as { axis?: number; num_axes?: number };
  const outputs = before.type === 'dense' ? (before.fields.axis === undefined ? 1 : -1) : 1;
  if (axis !== outputs || axes !== 1) return false;
  before.fields = without(before.fields, 'bias');
  before.tensors = new Map([...before.tensors, ['bias', bias]]);
  return true;
}

function joinFlatten(before: Layer, layer: Layer): boolean {
  if (!/^global_(avg|max)_pool[123]d$/.test(before.type) || before.fields.keepdims !== true) return false;
  if (layer.type !== 'flatten' || Object.keys(layer.fields).length > 0) return false;
  before.fields = without(before.fields, 'keepdims');
  return true;
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => field !== name));
}
