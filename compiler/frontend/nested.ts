/**
 * `type: model`: the layers of another model file, from one named layer until another, under the name of the use. The
 * other file is loaded as a model of its own, so nothing of it can be confused with this one; then its layers are
 * grafted in, and its weight file fills them.
 */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import * as say from '../diagnostics/catalogue';
import type { BlockUse } from '../diagnostics/location';
import { outputNames } from '../layers/define';
import { resolveBeside, texts } from './blocks';
import { isFrozen } from './bodies';
import { ownerOf } from './connect';
import type { Expander, RawLayer, Site } from './expand';
import { child, locationOf, textOf, toJson, type MapNode, type ScalarNode } from './node';
import type { Checked, LoadOptions } from './load';
import { BROKEN, indexOfRepeat, Scope, toEntry, toReference, type Entry, type Target } from './scope';
import type { LayerSpec, Spec } from './spec';

export interface Nesting {
  /** Real paths of the files around, outermost first. */
  readonly chain: readonly string[];
  /** In place of the model's outputs. */
  readonly until?: ScalarNode;
  readonly from?: ScalarNode;
}

export interface NestedOptions {
  readonly folder: string | undefined;
  readonly allowOutside: boolean;
  readonly chain: readonly string[];
  load(file: string, options: LoadOptions): Checked;
}

/** A layer of another model. */
export interface Graft {
  readonly layer: LayerSpec;
  /** Before its names. */
  readonly prefix: string;
  /** What stands for its references that come from outside: its model's inputs, or what it is cut off from. */
  readonly inputs: ReadonlyMap<string, Target>;
  readonly frozen: boolean;
}

const MAX_DEPTH = 20;

export function useModel(
  expander: Expander,
  node: MapNode,
  local: string,
  inputs: readonly Target[],
  site: Site,
): Entry {
  const [file, until, from, weights] = ['file', 'until', 'from', 'weights'].map((name) => texts(child(node, name))[0]);
  const use: BlockUse = { block: textOf(file === undefined ? '' : toJson(file)), at: locationOf(file ?? node) };
  const spec = file === undefined ? undefined : load(expander, file, { until, from }, site);
  if (spec === undefined) return BROKEN;
  const { layers, entry } = cut(spec);
  if (inputs.length !== entry.length) {
    const at = locationOf(child(node, 'inputs') ?? node);
    const owner = `model \`${use.block}\` (${entry.map((name) => `\`${name}\``).join(', ')})`;
    expander.report(say.inputCount(at, owner, [entry.length, entry.length], inputs.length), site.via);
    return BROKEN;
  }
  const prefix = `${site.scope.prefix}${local}/`;
  const given = new Map(entry.map((name, i) => [name, inputs[i]!]));
  const via = [...site.via, use];
  const frozen = site.frozen || isFrozen(node);
  const owners = ownersOf(node, local, prefix, site);
  const made = expander.graft(
    layers.map((layer) => ({
      ...grafted({ layer, prefix, inputs: given, frozen }, expander, node, via),
      share: keepsParameters(layer, expander) ? owners?.(layer) : undefined,
    })),
  );
  if (!made) expander.report(say.tooManyLayers(locationOf(node), layers.length), site.via);
  if (weights !== undefined) {
    expander.weights.push({ file: textOf(toJson(weights)), into: prefix, at: () => locationOf(weights) });
  }
  // Weights that the nested model starts from stand beside it.
  const folder = path.dirname(textOf(toJson(file!)));
  for (const own of spec.weights) {
    // What is shared has its weights from whom it is shared with.
    if (weights === undefined && owners === undefined)
      expander.weights.push({ ...own, file: path.join(folder, own.file), into: prefix + own.into });
  }
  const scope = new Scope(prefix);
  for (const layer of layers)
    scope.locals.set(layer.name, { kind: 'value', name: prefix + layer.name, outputs: outputsOf(layer, expander) });
  for (const [name, text] of spec.aliases ?? []) {
    if (scope.find(ownerOf(text)) === undefined || scope.locals.has(name)) continue;
    scope.locals.set(name, { kind: 'alias', target: toReference({ text, scope, range: node, via: site.via }) });
  }
  const outputs = spec.outputs.map((name) => {
    const target = given.get(name) ?? toReference({ text: name, scope, range: node, via: site.via });
    return { name, target };
  });
  return {
    kind: 'block',
    scope,
    outputs: outputs.length > 0 ? outputs : [{ name: 'output', target: toEntry(BROKEN) }],
  };
}

/** Of each layer the one whose parameters it uses: the like one of the use that this one shares with, or of a block around. */
function ownersOf(node: MapNode, name: string, prefix: string, site: Site): ((layer: LayerSpec) => Target) | undefined {
  const own = texts(child(node, 'share'))[0];
  const { share } = site;
  if (own !== undefined) {
    const text = textOf(toJson(own)) + indexOfRepeat(name);
    return (layer) => toReference({ text: `${text}/${layer.name}`, scope: site.scope, range: own, via: site.via });
  }
  if (share === undefined) return undefined;
  const { text, scope, range, inside } = share;
  const local = `${text}/${prefix.slice(inside.prefix.length)}`;
  return (layer) => toReference({ text: local + layer.name, scope, range, via: site.via.slice(0, -1) });
}

/** Whether there is something of the layer to share; one that shares with another of its model does it through that one. */
function keepsParameters(layer: LayerSpec, { definitions }: Expander): boolean {
  if (layer.fields['share'] !== undefined) return false;
  return (definitions.layers[layer.type]?.parameters ?? []).length > 0 || layer.bodies !== undefined;
}

function load(
  expander: Expander,
  file: ScalarNode,
  ends: { readonly until: ScalarNode | undefined; readonly from: ScalarNode | undefined },
  site: Site,
): Spec | undefined {
  const { nested } = expander;
  const found = resolveBeside(file, nested, nested.folder, nested.chain, (problem, hint) =>
    expander.report(say.badInclude(locationOf(file), textOf(toJson(file)), problem, hint), site.via),
  );
  if (found === undefined) return undefined;
  if (nested.chain.length >= MAX_DEPTH) {
    expander.report(say.tooDeep(locationOf(file), MAX_DEPTH), site.via);
    return undefined;
  }
  // Named as the model file is named: relative to where the user stands.
  const shown = path.join(path.dirname(file.source.file), textOf(toJson(file)));
  const { spec, diagnostics } = nested.load(shown, {
    allowOutside: nested.allowOutside,
    definitions: expander.definitions,
    nesting: {
      chain: [...nested.chain, realpathSync(found)],
      ...(ends.until === undefined ? {} : { until: ends.until }),
      ...(ends.from === undefined ? {} : { from: ends.from }),
    },
  });
  for (const problem of diagnostics) {
    if (problem.severity !== 'error') continue;
    const note = { message: 'nested here', at: locationOf(file) };
    expander.report({ ...problem, notes: [...problem.notes, note] }, site.via);
  }
  return spec;
}

/** The layers that the outputs need, up to where the model is taken from, and the references that they want from outside. */
function cut({ layers, inputs, outputs, start }: Spec): { layers: readonly LayerSpec[]; entry: readonly string[] } {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const needed = new Set<string>();
  const entry = new Set<string>();
  const open = [...outputs];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const layer = byName.get(next) ?? byName.get(ownerOf(next));
    if (layer === undefined) {
      entry.add(next);
      continue;
    }
    if (needed.has(layer.name)) continue;
    needed.add(layer.name);
    const own = layer.otherwise === undefined ? layer.inputs : [...layer.inputs, layer.otherwise];
    if (layer.name !== start) open.push(...own, ...(layer.next === undefined ? [] : [layer.next]));
    else for (const reference of layer.inputs) entry.add(reference);
  }
  const order = inputs.map(({ name }) => name);
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : -1);
  return {
    layers: layers.filter(({ name }) => needed.has(name)),
    entry: [...entry].sort((a, b) => rank(a) - rank(b)),
  };
}

function outputsOf({ type, fields, bodies = {} }: LayerSpec, { definitions }: Expander): readonly string[] {
  const seen = Object.entries(bodies).map(([field, { prefix, inputs, outputs }]) => {
    const local = { inputs: inputs.map((name) => name.slice(prefix.length)), outputs: outputs.map(({ name }) => name) };
    return [field, local] as const;
  });
  return outputNames(definitions.layers[type]!, fields, Object.fromEntries(seen));
}

function grafted(graft: Graft, { definitions }: Expander, node: MapNode, via: readonly BlockUse[]): RawLayer {
  const { layer, prefix } = graft;
  const owns = (definitions.layers[layer.type]?.parameters ?? []).length > 0 || layer.bodies !== undefined;
  return {
    name: prefix + layer.name,
    type: layer.type,
    def: definitions.layers[layer.type]!,
    node,
    fields: layer.fields,
    inputs: [],
    modes: layer.modes,
    otherwise: undefined,
    share: undefined,
    next: undefined,
    tied: [],
    origin: { layer: prefix + layer.name, at: layer.origin.at, via },
    graft: { ...graft, frozen: graft.frozen && owns },
  };
}
