/**
 * Follows every reference, counts inputs, puts layers into an order in which each comes after what it needs, and looks
 * for layers and inputs that lead nowhere.
 */
import * as say from '../diagnostics/catalogue';
import type { Collector } from '../diagnostics/collector';
import type { BlockUse, Origin } from '../diagnostics/location';
import { through } from '../diagnostics/make';
import type { RawBody, RawLayer } from './expand';
import type { Graft } from './nested';
import { tiesOf, withTies } from './tied';
import { child, locationOf, locatorOf, type ScalarNode } from './node';
import { MANY } from '../layers/define';
import { givenCount } from './shapes';
import { follow, toReference, type Reference, type Scope, type Target } from './scope';
import { INHERITED_SHARE } from './share';
import { allLayers, type BodySpec, type InputSpec, type LayerSpec, type TermSpec } from './spec';

const MAX_SUGGESTIONS = 50;

export class Connector {
  private readonly known: readonly string[];
  private misses = 0;
  private readonly loops = new Set<Reference>();

  constructor(
    private readonly scope: Scope,
    private readonly collector: Collector,
  ) {
    this.known = [...scope.locals.keys()];
  }

  /** The full name behind a reference; undefined where there is none, which is reported. */
  name(target: Target): string | undefined {
    const end = follow(target);
    switch (end.kind) {
      case 'found':
        return end.name;
      case 'broken':
        return undefined;
      case 'unknown': {
        const { text, scope, range, via } = end.reference;
        // Searching for near names costs time; after so many wrong ones the names are not what is wrong.
        const near = this.misses++ < MAX_SUGGESTIONS;
        const known = !near ? [] : scope === this.scope ? this.known : [...scope.locals.keys()];
        this.report(say.unknownReference(locationOf(range), text, 'layer or input', known), via);
        return undefined;
      }
      case 'no-output': {
        const { range, via } = end.reference;
        this.report(say.unknownOutput(locationOf(range), end.owner, end.output, end.known), via);
        return undefined;
      }
      case 'circle': {
        const { references } = end;
        // Whatever leads into the loop meets it again; it is one mistake.
        if (references.some((reference) => this.loops.has(reference))) return undefined;
        for (const reference of references) this.loops.add(reference);
        const loop = references.map(({ text, range }) => ({ name: text, at: locationOf(range) }));
        this.report(say.cycle(loop), references[0]!.via);
        return undefined;
      }
    }
  }

  /** A reference at the top level, outside of layers. */
  topName(text: ScalarNode): string | undefined {
    const reference: Reference = { text: String(text.value), scope: this.scope, range: text, via: [] };
    return this.name(toReference(reference));
  }

  layer(raw: RawLayer): LayerSpec | undefined {
    if (raw.graft !== undefined) return this.grafted(raw, raw.graft);
    const inputs = raw.inputs.map((target) => this.name(target));
    const otherwise = raw.otherwise === undefined ? undefined : this.name(raw.otherwise);
    const share = raw.share === undefined ? undefined : this.name(raw.share);
    const complete = inputs.filter((name) => name !== undefined);
    const extra = givenCount(raw.fields);
    const [least, most] = raw.def.arity.map((count) => Math.min(MANY, count + extra)) as [number, number];
    if (inputs.length < least || inputs.length > most) {
      const at = locationOf(child(raw.node, 'inputs') ?? raw.node);
      const owner = `layer \`${raw.name}\` of type \`${raw.type}\``;
      this.report(say.inputCount(at, owner, [least, most], inputs.length), raw.origin.via);
      return undefined;
    }
    if (complete.length < inputs.length) return undefined;
    const ties = raw.tied.map(({ param, of, target }) => ({ param, of, layer: this.name(target) }));
    if (ties.some(({ layer }) => layer === undefined)) return undefined;
    const fields = withTies(
      raw.fields,
      ties.map(({ param, of, layer }) => ({ param, share: `${layer ?? ''}.${of}` })),
    );
    const next = raw.next === undefined ? undefined : this.name(raw.next);
    const bodies = this.bodies(raw, share);
    if (bodies === undefined) return undefined;
    return {
      name: raw.name,
      type: raw.type,
      inputs: complete,
      fields: share === undefined ? fields : { ...fields, share },
      modes: raw.modes,
      ...(otherwise === undefined ? {} : { otherwise }),
      ...(next === undefined ? {} : { next }),
      ...(raw.bodies === undefined ? {} : { bodies }),
      origin: raw.origin,
      at: locatorOf(raw.node),
    };
  }

  /** A layer of another model under its new names. */
  private grafted(raw: RawLayer, { layer, prefix, inputs, frozen }: Graft): LayerSpec | undefined {
    const taken = new Map<string, string>();
    for (const reference of [...layer.inputs, ...(layer.otherwise === undefined ? [] : [layer.otherwise])]) {
      const target = inputs.get(reference);
      const name = target === undefined ? prefix + reference : this.name(target);
      if (name === undefined) return undefined;
      taken.set(reference, name);
    }
    const rename = (reference: string): string => taken.get(reference) ?? prefix + reference;
    const share = raw.share === undefined ? undefined : this.name(raw.share);
    if (raw.share !== undefined && share === undefined) return undefined;
    const made = renamed(layer, rename, (name) => prefix + name, raw.origin.via, frozen);
    if (share === undefined) return made;
    const bodies = Object.entries(made.bodies ?? {}).map(([field, body]) => {
      return [field, { ...body, layers: sharing(body.layers, share, made.name) }] as const;
    });
    const inside = made.bodies === undefined ? {} : { bodies: Object.fromEntries(bodies) };
    return { ...made, ...inside, fields: { ...made.fields, share } };
  }

  private bodies(raw: RawLayer, share: string | undefined): Record<string, BodySpec> | undefined {
    const bodies: Record<string, BodySpec> = {};
    for (const [field, body] of Object.entries(raw.bodies ?? {})) {
      const connected = this.body(raw, body, share);
      if (connected === undefined) return undefined;
      bodies[field] = connected;
    }
    return bodies;
  }

  private body(owner: RawLayer, body: RawBody, share: string | undefined): BodySpec | undefined {
    const layers = body.layers.map((layer) => this.layer(layer)).filter((layer) => layer !== undefined);
    const outputs = body.outputs.map(({ name, target }) => ({ name, from: this.name(target) }));
    const complete = outputs.filter((output): output is BodySpec['outputs'][number] => output.from !== undefined);
    if (layers.length < body.layers.length || complete.length < outputs.length) return undefined;
    const shared = share === undefined ? layers : sharing(layers, share, owner.name);
    const sorted = checkFullNames(shared, this.collector) ? sortLayers(shared, this.collector) : shared;
    findUnused({ inputs: [], layers: sorted, outputs: complete.map(({ from }) => from), terms: [] }, this.collector);
    return { prefix: body.prefix, inputs: body.inputs, layers: sorted, outputs: complete, at: locatorOf(body.node) };
  }

  private report(diagnostic: ReturnType<typeof say.unknownReference>, via: readonly BlockUse[]): void {
    this.collector.report(through(diagnostic, via));
  }
}

/** Sharing with another control layer is sharing with the layers of the same names inside of it. */
function sharing(layers: readonly LayerSpec[], share: string, owner: string): LayerSpec[] {
  return layers.map((layer) => {
    if (layer.fields['share'] !== undefined) return layer;
    return { ...layer, fields: { ...layer.fields, [INHERITED_SHARE]: share + layer.name.slice(owner.length) } };
  });
}

/** The layer with other names: `rename` for what is around it, `local` for its own name and what is inside of it. */
function renamed(
  layer: LayerSpec,
  rename: (name: string) => string,
  local: (name: string) => string,
  via: readonly BlockUse[],
  frozen: boolean,
): LayerSpec {
  const { share } = layer.fields;
  const bodies = Object.entries(layer.bodies ?? {}).map(([field, body]) => {
    const layers = body.layers.map((inner) => renamed(inner, local, local, via, frozen));
    const outputs = body.outputs.map(({ name, from }) => ({ name, from: local(from) }));
    return [field, { ...body, prefix: local(body.prefix), inputs: body.inputs.map(local), layers, outputs }] as const;
  });
  return {
    ...layer,
    name: local(layer.name),
    inputs: layer.inputs.map(rename),
    fields: {
      ...withTies(
        layer.fields,
        tiesOf(layer.fields).map((tie) => ({ ...tie, share: local(tie.share) })),
      ),
      ...(typeof share === 'string' ? { share: local(share) } : {}),
      ...(frozen ? { frozen: true } : {}),
    },
    ...(layer.otherwise === undefined ? {} : { otherwise: rename(layer.otherwise) }),
    ...(layer.next === undefined ? {} : { next: local(layer.next) }),
    ...(layer.bodies === undefined ? {} : { bodies: Object.fromEntries(bodies) }),
    origin: { ...layer.origin, layer: local(layer.origin.layer), via: [...via, ...layer.origin.via] },
  };
}

/** `pool1.index` → `pool1` */
export function ownerOf(reference: string): string {
  const dot = reference.indexOf('.');
  return dot < 0 ? reference : reference.slice(0, dot);
}

function needsOf(layer: LayerSpec): readonly string[] {
  const needs = layer.inputs.map(ownerOf);
  return layer.otherwise === undefined ? needs : [...needs, ownerOf(layer.otherwise)];
}

/** Full names may collide where one is written out: `a/conv1` beside a block `a`. */
export function checkFullNames(layers: readonly LayerSpec[], collector: Collector): boolean {
  const first = new Map<string, LayerSpec>();
  for (const layer of layers) {
    const other = first.get(layer.name);
    if (other === undefined) first.set(layer.name, layer);
    else {
      const problem = say.duplicateName(layer.at(['name']), 'layer', layer.name, other.origin.at);
      collector.report(through(problem, layer.origin.via));
    }
  }
  return first.size === layers.length;
}

/** Each layer after those it needs, otherwise as written. A circle is reported, naming its layers. */
export function sortLayers(layers: readonly LayerSpec[], collector: Collector): LayerSpec[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const state = new Map<LayerSpec, 'open' | 'done'>();
  const sorted: LayerSpec[] = [];
  for (const root of layers) {
    // Iterative: ten thousand layers may be written in reverse.
    const path: { layer: LayerSpec; needs: readonly string[]; next: number }[] = [];
    const enter = (layer: LayerSpec): void => {
      state.set(layer, 'open');
      path.push({ layer, needs: needsOf(layer), next: 0 });
    };
    if (!state.has(root)) enter(root);
    while (path.length > 0) {
      const top = path[path.length - 1]!;
      if (top.next === top.needs.length) {
        path.pop();
        state.set(top.layer, 'done');
        sorted.push(top.layer);
        continue;
      }
      const need = byName.get(top.needs[top.next++]!);
      if (need === undefined) continue;
      if (!state.has(need)) enter(need);
      else if (state.get(need) === 'open') {
        const loop = path.slice(path.findIndex((step) => step.layer === need)).map((step) => step.layer);
        collector.report(
          through(say.cycle(loop.map(({ name, origin }) => ({ name, at: origin.at }))), loop[0]!.origin.via),
        );
      }
    }
  }
  return sorted;
}

export interface Roots {
  readonly inputs: readonly InputSpec[];
  readonly layers: readonly LayerSpec[];
  readonly outputs: readonly string[];
  readonly terms: readonly TermSpec[];
}

const placeOf = ({ at }: Origin): string => `${at.file}:${at.line}:${at.column}`;

/** What a layer keeps alive: its needs, and what comes back to it. */
function readsOf(layer: LayerSpec): readonly string[] {
  return layer.next === undefined ? needsOf(layer) : [...needsOf(layer), ownerOf(layer.next)];
}

/** Layers and inputs that no output, loss or metric depends on. */
export function findUnused({ inputs, layers, outputs, terms }: Roots, collector: Collector): void {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const read = new Set(layers.flatMap((layer) => readsOf(layer)));
  const reached = new Set<string>();
  const open = [...outputs, ...terms.flatMap((term) => term.inputs)].map(ownerOf);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const layer = byName.get(name);
    if (layer !== undefined) open.push(...readsOf(layer));
  }
  // A block may have more outputs than each of its uses needs: what one use needs is no mistake of the block.
  const useful = allLayers(layers.filter(({ name }) => reached.has(name)));
  const places = new Set(useful.map(({ origin }) => placeOf(origin)));
  for (const layer of layers) {
    if (reached.has(layer.name) || (layer.origin.via.length > 0 && places.has(placeOf(layer.origin)))) continue;
    const at = layer.at(['name']);
    const warning = read.has(layer.name) ? say.unreachableLayer(at, layer.name) : say.unusedLayer(at, layer.name);
    collector.report(through(warning, layer.origin.via));
  }
  for (const input of inputs) {
    if (!read.has(input.name) && !reached.has(input.name))
      collector.report(say.unusedInput(input.origin.at, input.name));
  }
}
