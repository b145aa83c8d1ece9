/** Layers in the making as layers of a draft: names, references, bodies, weights, and what became of every node. */
import type { Fields, Json } from '../../../frontend/spec';
import { cleanName, type Draft } from '../../draft';
import type { Body, Layer } from './layer';
import { layerOf, mergeLayers, reachable } from './merge';
import { commonPrefix, wishFor } from './names';
import type { Value } from './value';
import type { Trace } from './walk';

interface Emission {
  readonly draft: Draft;
  readonly traces: readonly Trace[];
  readonly weights: Map<object, string>;
  /** By node: what its last layer is called, and how the layer came of it. */
  readonly nodes: Map<number, { name: string; joined: boolean }>;
  readonly tensors: Set<string>;
}

interface Names {
  unique(wish: string): string;
}

/** Writes the layers into the draft; gives the names of tensors of the source that the model has. */
export function emitLayers(
  draft: Draft,
  layers: readonly Layer[],
  outputs: readonly Output[],
  traces: readonly Trace[],
): ReadonlySet<string> {
  const emission: Emission = { draft, traces, weights: new Map(), nodes: new Map(), tensors: new Set() };
  const values = outputs.map(({ value }) => value);
  const prefix = commonPrefix(traces.map(({ source }) => source));
  const { names, lines } = namedLayers(
    emission,
    layers,
    values,
    draft,
    prefix,
    '',
    new Map(outputs.map(({ name, value }) => [layerOf(value), name])),
  );
  for (const { layer, inputs, fields, name } of lines) {
    draft.layers.push({
      name,
      type: layer.type,
      inputs,
      fields,
      ...(layer.comment === undefined ? {} : { comment: layer.comment }),
    });
  }
  const taken = new Set<string>();
  for (const { name, value } of outputs) {
    const reference = names(value);
    // An output is a layer, and each is written once.
    if (value.from !== undefined && 'layer' in value.from && !taken.has(reference)) {
      taken.add(reference);
      draft.outputs.push(reference);
    } else draft.outputs.push(draft.layer({ name, type: 'identity', inputs: [reference], fields: {} }));
  }
  tellNodes(emission);
  return emission.tensors;
}

export interface Output {
  readonly name: string;
  readonly value: Value;
}

interface Line {
  readonly layer: Layer;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly fields: Fields;
}

function namedLayers(
  emission: Emission,
  all: readonly Layer[],
  outputs: readonly Value[],
  taken: Names,
  prefix: string,
  inside: string,
  wanted: ReadonlyMap<Layer | undefined, string> = new Map(),
): { names: (value: Value) => string; lines: Line[] } {
  const { layers, into } = mergeLayers(reachable(all, outputs), outputs);
  const final = (layer: Layer): Layer => (into.has(layer) ? final(into.get(layer)!) : layer);
  const wishes = new Map(
    [...wanted].flatMap(([layer, name]) => (layer === undefined ? [] : [[final(layer), name] as const])),
  );
  const named = new Map<Layer, string>();
  const names = (value: Value): string => {
    if (value.from === undefined) return '';
    if ('input' in value.from) return value.from.input;
    const name = named.get(final(value.from.layer))!;
    return value.from.output === undefined ? name : `${name}.${value.from.output}`;
  };
  // Names of outputs are promised before any layer takes them.
  const reserved = new Map(
    [...wishes].flatMap(([layer, wish]) =>
      isWord(wish) ? [[layer, taken.unique(wishFor(wish, layer, prefix))] as const] : [],
    ),
  );
  const lines = layers.map((layer): Line => {
    const name = reserved.get(layer) ?? taken.unique(wishFor(layer.wish, layer, prefix));
    named.set(layer, name);
    const inputs = layer.inputs.map(names);
    const shared = keepTensors(emission, layer, `${inside}${name}`);
    return {
      layer,
      name,
      inputs,
      fields: { ...layer.fields, ...bodiesOf(emission, layer, `${inside}${name}/`), ...shared },
    };
  });
  for (const layer of [...layers, ...into.keys()]) {
    const name = named.get(final(layer))!;
    const joined = into.has(layer);
    if (layer.node >= 0 && (!emission.nodes.has(layer.node) || !joined))
      emission.nodes.set(layer.node, { name: `${inside}${name}`, joined });
  }
  return { names, lines };
}

function isWord(name: string): boolean {
  return /[A-Za-z]/.test(name) && cleanName(name).length <= 64;
}

/** The weights of a layer; where another layer has the same ones, a reference to those. */
function keepTensors({ draft, weights, tensors }: Emission, layer: Layer, name: string): Fields {
  const shared: Record<string, Json> = {};
  for (const [param, { tensor, source, changed }] of layer.tensors) {
    const full = `${name}.${param}`;
    if (source !== undefined) tensors.add(source);
    const there = weights.get(tensor.data);
    if (there !== undefined && !BUFFERS.has(param) && tensor.data.length > 1) {
      shared[param] = { share: there };
      continue;
    }
    if (!BUFFERS.has(param) && changed === undefined) weights.set(tensor.data, full);
    draft.tensor(full, tensor);
    if (source === undefined) continue;
    if (changed === undefined) draft.account({ kind: 'tensor', source, fate: 'mapped', to: full });
    else draft.account({ kind: 'tensor', source, fate: 'converted', to: full, reason: changed });
  }
  return Object.keys(shared).length === 0 ? {} : { parameters: shared };
}

/** Tensors that are no parameters, and cannot be shared. */
const BUFFERS = new Set(['mean', 'variance']);

function bodiesOf(emission: Emission, layer: Layer, inside: string): Fields {
  if (layer.bodies === undefined) return {};
  return Object.fromEntries(
    Object.entries(layer.bodies).map(([field, body]) => [field, bodyFields(emission, body, inside)]),
  );
}

function bodyFields(emission: Emission, body: Body, inside: string): Fields {
  const taken = new Set<string>(body.inputs);
  const unique = (wish: string): string => {
    const clean = cleanName(wish);
    let name = clean;
    for (let n = 2; taken.has(name); n++) name = `${clean}_${n}`;
    taken.add(name);
    return name;
  };
  const values = body.outputs.map(({ value }) => value);
  const { names, lines } = namedLayers(emission, body.layers, values, { unique }, '', inside);
  const layers = lines.map(({ layer, name, inputs, fields }): Fields => ({
    name,
    type: layer.type,
    // Constants have none.
    ...(inputs.length === 0 ? {} : { inputs: [...inputs] }),
    ...fields,
  }));
  const outputs: Record<string, Json> = {};
  for (const { name, value } of body.outputs) {
    const reference = names(value);
    if (value.from !== undefined && 'layer' in value.from) outputs[name] = reference;
    else {
      const passed = unique(name);
      layers.push({ name: passed, type: 'identity', inputs: [reference] });
      outputs[name] = passed;
    }
  }
  return { inputs: [...body.inputs], layers, outputs };
}

function tellNodes({ draft, traces, nodes }: Emission): void {
  traces.forEach(({ source, folded, notes }, index) => {
    const there = nodes.get(index);
    const reason = notes.length > 0 ? notes.join('; ') : undefined;
    if (there !== undefined) {
      if (reason === undefined && !there.joined)
        draft.account({ kind: 'layer', source, fate: 'mapped', to: there.name });
      else
        draft.account({
          kind: 'layer',
          source,
          fate: 'converted',
          to: there.name,
          reason: reason ?? 'part of the layer before',
        });
    } else if (folded)
      draft.account({
        kind: 'layer',
        source,
        fate: 'converted',
        reason: reason ?? 'its numbers are known, and worked out',
      });
    else
      draft.account({
        kind: 'layer',
        source,
        fate: 'dropped',
        reason: reason ?? 'changes nothing, or nothing reads it',
      });
  });
}
