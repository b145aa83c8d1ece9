/**
 * Blocks, repeats and conditions → a flat list of layers with full names. Deterministic and bounded: a block cannot use
 * itself, and the number of layers has a limit that is checked before they are made. References are collected here and
 * followed in `connect.ts`, because a layer may name one that is written later.
 */
import * as say from '../diagnostics/catalogue';
import type { Collector } from '../diagnostics/collector';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { BlockUse, Origin } from '../diagnostics/location';
import { through } from '../diagnostics/make';
import { outputNames, type LayerDef } from '../layers/define';
import { argumentsOf } from './arguments';
import { bodiesOf, interfacesOf, isFrozen } from './bodies';
import { tiedIn, type TiedParameter } from './tied';
import { conditionOf, type Condition } from './conditions';
import { texts, writtenNames, type Block } from './blocks';
import { wordOf, type Definitions } from './definitions';
import { COMMON_LAYER, isName, NESTED, NESTED_MODEL, type ObjectShape } from './language';
import { useModel, type Graft, type NestedOptions } from './nested';
import { child, locationOf, toJson, type DocNode, type MapNode, type Range, type ScalarNode } from './node';
import { sameAs } from '../diagnostics/nearest';
import { elsewhere } from './elsewhere';
import { exampleOf } from './explain';
import { BROKEN, indexOfRepeat, Scope, toEntry, toReference, type Entry, type Target } from './scope';
import { layerShape, useShape } from './shapes';
import { MODES, type Fields, type Json, type Mode, type WeightsSpec } from './spec';
import { substitute, substituteFields, type Parameters } from './substitute';
import { checkKeys, checkValues } from './validate';

export const MAX_LAYERS = 100_000;
/** What the fields of a repeated layer see of its number: 0, 1, … */
const REPEAT_INDEX = 'index';
/** Blocks within blocks. */
export const MAX_BLOCK_DEPTH = 100;

/** A layer whose references are not followed yet. */
export interface RawLayer {
  readonly name: string;
  readonly type: string;
  readonly def: LayerDef;
  readonly node: MapNode;
  readonly fields: Fields;
  readonly inputs: readonly Target[];
  readonly modes: readonly Mode[];
  readonly otherwise: Target | undefined;
  /** Where `share` is written, and the layer it names. */
  readonly share: Target | undefined;
  /** Single parameters that are those of other layers. */
  readonly tied: readonly TiedParameter[];
  /** What a buffer takes on after a step. */
  readonly next: Target | undefined;
  /** By field: the sub-graphs that a control layer runs. */
  readonly bodies?: Readonly<Record<string, RawBody>>;
  readonly origin: Origin;
  /** A layer of another model, ready but for its names. */
  readonly graft?: Graft;
}

/** A sub-graph with layers of its own. */
export interface RawBody {
  readonly node: DocNode;
  /** `loop/` */
  readonly prefix: string;
  /** Full names: `loop/x`. */
  readonly inputs: readonly string[];
  readonly layers: readonly RawLayer[];
  readonly outputs: readonly { readonly name: string; readonly target: Target }[];
}

/** What the layers of one list have in common. */
export interface Site {
  readonly scope: Scope;
  readonly parameters: Parameters;
  readonly via: readonly BlockUse[];
  /** What the first layer takes where it does not say. */
  readonly first: Entry | undefined;
  readonly block: Block | undefined;
  /** From the use of the block: freezes and shares what is inside. */
  readonly frozen: boolean;
  readonly share:
    { readonly text: string; readonly scope: Scope; readonly range: Range; readonly inside: Scope } | undefined;
}

/** What a `type` means: a layer, a block, or (neither) another model. */
interface Word {
  readonly shape: ObjectShape;
  readonly def: LayerDef | undefined;
  readonly block: Block | undefined;
}

export interface Expanded {
  readonly layers: readonly RawLayer[];
  readonly scope: Scope;
  /** The limit was reached: what is missing is nobody's mistake. */
  readonly cut: boolean;
  readonly weights: readonly WeightsSpec[];
}

export class Expander {
  private layers: RawLayer[] = [];
  private made = 0;
  /** Weight files of nested models. */
  readonly weights: WeightsSpec[] = [];
  private readonly keysChecked = new Set<DocNode>();
  private full = false;

  constructor(
    readonly blocks: ReadonlyMap<string, Block>,
    readonly definitions: Definitions,
    readonly collector: Collector,
    readonly nested: NestedOptions,
  ) {}

  expandModel(items: readonly DocNode[], inputs: readonly string[]): Expanded {
    const scope = new Scope('');
    for (const name of inputs) scope.locals.set(name, { kind: 'value', name, outputs: [] });
    const first = inputs[0] === undefined ? undefined : scope.locals.get(inputs[0]);
    const parameters = this.parametersOf(undefined, new Map(), []);
    this.expandList(items, { scope, parameters, via: [], first, block: undefined, frozen: false, share: undefined });
    return { layers: this.layers, scope, cut: this.full, weights: this.weights };
  }

  /** Runs `make` with a list of its own for the layers that it adds. */
  apart<Made>(make: () => Made): { readonly made: Made; readonly layers: readonly RawLayer[] } {
    const around = this.layers;
    this.layers = [];
    const made = make();
    const { layers } = this;
    this.layers = around;
    return { made, layers };
  }

  /** Adds the layers of another model; false where there are too many. */
  graft(layers: readonly RawLayer[]): boolean {
    this.made += layers.length;
    if (this.made > MAX_LAYERS) return false;
    this.layers.push(...layers);
    return true;
  }

  private parametersOf(
    block: Block | undefined,
    values: ReadonlyMap<string, Json>,
    via: readonly BlockUse[],
  ): Parameters {
    const used = block?.usage.params ?? new Set<string>();
    return { block: block?.name, values, used, report: (diagnostic) => this.report(diagnostic, via) };
  }

  report(diagnostic: Diagnostic, via: readonly BlockUse[]): void {
    this.collector.report(through(diagnostic, via));
  }

  expandList(items: readonly DocNode[], site: Site): void {
    site.scope.previous = site.first;
    for (const item of items) {
      const name = child(item, 'name');
      if (name?.kind === 'scalar') site.scope.reserved.add(String(name.value));
    }
    const places = new Map<string, Range>();
    for (const item of items) {
      if (this.full) return;
      this.expandItem(item, site, places);
    }
  }

  private expandItem(item: DocNode, site: Site, places: Map<string, Range>): void {
    const { scope, via } = site;
    if (item.kind !== 'map') {
      const example = exampleOf(toJson(item), this.definitions.layers) ?? '{name: …, type: …}';
      this.report(say.wrongKind(locationOf(item), 'a layer', `a mapping \`${example}\``, toJson(item)), via);
      return;
    }
    const typeNode = child(item, 'type');
    const type = typeNode === undefined ? undefined : substitute(typeNode, site.parameters);
    if (type === undefined || type.kind !== 'scalar' || typeof type.value !== 'string') {
      this.report(
        type === undefined
          ? say.missingField(locationOf(item), 'type', 'a layer')
          : say.wrongType(locationOf(type), 'type', 'text', toJson(type)),
        via,
      );
      this.nameOf(item, 'layer', site, places, BROKEN);
      scope.previous = BROKEN;
      return;
    }
    const known = [...this.blocks.keys(), ...Object.keys(this.definitions.layers), NESTED_MODEL];
    let word: string | undefined = type.value;
    if (!known.includes(word)) {
      const other = elsewhere(word, this.definitions);
      this.report(say.unknownType(locationOf(type), word, 'layer type or block', known, other), via);
      // A word of another framework hides no other mistake.
      word = sameAs(word, known);
    }
    if (word === undefined) this.nameOf(item, type.value, site, places, BROKEN);
    scope.previous =
      word === undefined ? BROKEN : this.expandKnown(item, { ...type, value: word }, this.wordOf(word), site, places);
  }

  private wordOf(word: string): Word {
    const def = wordOf(this.definitions.layers, word);
    const block = this.blocks.get(word);
    const own = block === undefined ? NESTED : useShape(block);
    return { shape: def === undefined ? own : layerShape(def, this.definitions), def, block };
  }

  private expandKnown(item: MapNode, type: ScalarNode, word: Word, site: Site, places: Map<string, Range>): Entry {
    if (!this.keysChecked.has(item)) {
      this.keysChecked.add(item);
      this.checkItemKeys(item, type, word, site);
    }
    const name = this.nameOf(item, String(type.value), site, places, BROKEN);
    if (name === undefined) return BROKEN;
    const repeat = this.repeatOf(item, word.shape, site);
    if (repeat === undefined) return this.define(site, name, this.expandOne(item, word, name, site));
    if (repeat === 'broken') return this.define(site, name, BROKEN);
    const instances: Entry[] = [];
    let inner = site;
    for (let i = 0; i < repeat && !this.full; i++) {
      const values = new Map([...site.parameters.values, [REPEAT_INDEX, i]]);
      inner = { ...site, parameters: { ...site.parameters, values } };
      const instance = this.expandOne(item, word, `${name}/${i}`, inner, instances.at(-1));
      // A mistake in one of them is a mistake in all of them.
      if (instance === BROKEN) return this.define(site, name, BROKEN);
      instances.push(instance);
    }
    const last = instances.at(-1);
    const target = last === undefined ? (this.inputsOf(item, name, site)[0] ?? toEntry(BROKEN)) : toEntry(last);
    return this.define(site, name, { kind: 'repeat', instances, target });
  }

  /** One layer or use of a block; with `before`, the instance of a repeat whose first input is the one before it. */
  private expandOne(item: MapNode, word: Word, local: string, site: Site, before?: Entry): Entry {
    const { shape, def, block } = word;
    const errors = this.collector.errors;
    const node = substituteFields(item, site.parameters, def?.bodies);
    if (this.collector.errors === errors) {
      for (const problem of checkValues(node, shape)) this.report(problem, site.via);
    }
    const condition = conditionOf(node, {
      parameters: site.parameters,
      report: (diagnostic) => this.report(diagnostic, site.via),
      reference: (text) => this.reference(text, site),
    });
    // What cannot be made sense of is named once; the layers that refer to it are not to blame.
    if (this.collector.errors !== errors || condition === undefined) return BROKEN;
    // A layer that can do without inputs takes none that it does not name.
    const bare = def?.arity[0] === 0 && child(node, 'inputs') === undefined;
    const written = bare ? [] : this.inputsOf(node, local, site);
    const inputs = before === undefined || bare ? written : [toEntry(before), ...written.slice(1)];
    if (condition.absent) return { kind: 'alias', target: condition.otherwise ?? inputs[0] ?? toEntry(BROKEN) };
    if (def !== undefined) return this.addLayer(def, node, local, inputs, condition, site);
    const used =
      block === undefined ? useModel(this, node, local, inputs, site) : this.useBlock(block, node, local, inputs, site);
    return condition.modes.length < MODES.length ? this.onlyIn(condition, used, node, local, inputs, site) : used;
  }

  /** Of a block that exists in some modes: its output goes through a layer that does, and passes on what stands in. */
  private onlyIn(
    { modes, otherwise }: Condition,
    used: Entry,
    node: MapNode,
    local: string,
    inputs: readonly Target[],
    site: Site,
  ): Entry {
    const def = wordOf(this.definitions.layers, 'identity');
    const [first, ...rest] = used.kind === 'block' ? used.outputs : [];
    const target = otherwise ?? inputs[0];
    if (used.kind !== 'block' || first === undefined || def === undefined || target === undefined) return used;
    const entries = new Map([...node.entries].filter(([field]) => field === 'name' || field === 'type'));
    const gate = this.addLayer(
      def,
      { ...node, entries },
      local,
      [first.target],
      { modes, absent: false, otherwise: target },
      site,
    );
    return { ...used, outputs: [{ name: first.name, target: toEntry(gate) }, ...rest] };
  }

  /** How many, where `repeat:` is there at all. */
  private repeatOf(item: MapNode, shape: ObjectShape, site: Site): number | 'broken' | undefined {
    const written = child(item, 'repeat');
    if (written === undefined) return undefined;
    const errors = this.collector.errors;
    const node = substitute(written, site.parameters);
    const entries = new Map([['repeat', { key: node, value: node }]]);
    if (this.collector.errors === errors) {
      for (const problem of checkValues({ ...item, entries }, shape)) this.report(problem, site.via);
    }
    return this.collector.errors === errors ? Number(toJson(node)) : 'broken';
  }

  private define(site: Site, name: string, entry: Entry): Entry {
    site.scope.locals.set(name, entry);
    return entry;
  }

  /** Fields are checked once where they are written, however often the block is used. */
  private checkItemKeys(item: MapNode, type: ScalarNode, { shape, block }: Word, site: Site): void {
    const owner = block === undefined ? `layer type \`${String(type.value)}\`` : `block \`${block.name}\``;
    for (const problem of checkKeys(item, shape, owner)) {
      if (block === undefined || problem.code !== 'unknown-field') this.report(problem, site.via);
    }
    if (block === undefined) return;
    for (const [field, entry] of item.entries) {
      if (Object.hasOwn(shape.fields, field)) continue;
      const known = [...block.params.keys(), ...Object.keys(COMMON_LAYER.fields)];
      this.report(say.unknownParameter(locationOf(entry.key), field, block.name, known), site.via);
    }
  }

  /** The layer's own name, entered as `entry` for now; undefined where the name cannot be used. */
  private nameOf(
    item: MapNode,
    type: string,
    site: Site,
    places: Map<string, Range>,
    entry: Entry,
  ): string | undefined {
    const { scope, via } = site;
    const node = child(item, 'name');
    if (node === undefined) {
      const name = scope.freshName(isName(type) ? type : 'layer');
      scope.locals.set(name, entry);
      return name;
    }
    const name = toJson(node);
    const at = locationOf(node);
    if (typeof name !== 'string') {
      this.report(
        say.wrongType(at, 'name', 'text', name, typeof name === 'number' ? 'put it in quotes' : undefined),
        via,
      );
      return undefined;
    }
    const first = places.get(name);
    if (!isName(name)) this.report(say.invalidName(at, 'layer', name), via);
    else if (first !== undefined) this.report(say.duplicateName(at, 'layer', name, locationOf(first)), via);
    else if (scope.locals.has(name)) {
      this.report(
        say.reservedName(at, 'layer', name, site.block === undefined ? 'a model input' : 'an input of the block'),
        via,
      );
    } else {
      places.set(name, node);
      scope.locals.set(name, entry);
      return name;
    }
    return undefined;
  }

  private inputsOf(node: MapNode, name: string, site: Site): Target[] {
    const written = child(node, 'inputs');
    if (written !== undefined) return texts(written).map((text) => this.reference(text, site));
    if (site.scope.previous !== undefined) return [toEntry(site.scope.previous)];
    this.report(say.noInputBefore(locationOf(node), name), site.via);
    return [toEntry(BROKEN)];
  }

  reference(text: ScalarNode, site: Site): Target {
    return toReference({ text: String(text.value), scope: site.scope, range: text, via: site.via });
  }

  private addLayer(
    def: LayerDef,
    node: MapNode,
    local: string,
    inputs: readonly Target[],
    condition: Condition,
    site: Site,
  ): Entry {
    if (this.made++ >= MAX_LAYERS) {
      if (!this.full) this.report(say.tooManyLayers(locationOf(node), MAX_LAYERS), site.via);
      this.full = true;
      return BROKEN;
    }
    const name = site.scope.prefix + local;
    const fields: Record<string, Json> = {};
    for (const [field, { value }] of node.entries) {
      if (def.bodies?.includes(field) === true || field === def.feedback) continue;
      if (field === 'share' || field === 'frozen' || !Object.hasOwn(COMMON_LAYER.fields, field))
        fields[field] = toJson(value);
    }
    if (def.namesInputs === true) fields['names'] ??= writtenNames(node);
    if (site.frozen && fields['frozen'] === undefined && (def.parameters ?? []).length > 0) fields['frozen'] = true;
    const bodies = bodiesOf(this, def, node, local, site);
    if (bodies === undefined) return BROKEN;
    this.layers.push({
      name,
      type: def.type,
      def,
      node,
      fields,
      inputs,
      modes: condition.modes,
      // Of a condition that holds nothing is left.
      otherwise: condition.modes.length < MODES.length ? condition.otherwise : undefined,
      share: this.shareOf(def, node, name, site),
      tied: tiedIn(node, (text) => this.reference(text, site)),
      next: texts(def.feedback === undefined ? undefined : child(node, def.feedback)).map((text) =>
        this.reference(text, site),
      )[0],
      ...(Object.keys(bodies).length === 0 ? {} : { bodies }),
      origin: { layer: name, at: locationOf(node), via: site.via },
    });
    const { first } = def;
    return {
      kind: 'value',
      name,
      outputs: outputNames(def, fields, interfacesOf(bodies)),
      ...(first === undefined ? {} : { first }),
    };
  }

  /** The layer's own `share`, or the like layer of the block that this block shares with. */
  private shareOf(def: LayerDef, node: MapNode, name: string, site: Site): Target | undefined {
    const own = texts(child(node, 'share'))[0];
    if (own !== undefined) return this.reference(own, site);
    if (site.share === undefined || ((def.parameters ?? []).length === 0 && def.bodies === undefined)) return undefined;
    const { text, scope, range, inside } = site.share;
    return toReference({
      text: `${text}/${name.slice(inside.prefix.length)}`,
      scope,
      range,
      via: site.via.slice(0, -1),
    });
  }

  private useBlock(block: Block, node: MapNode, local: string, inputs: readonly Target[], site: Site): Entry {
    block.usage.used = true;
    const use: BlockUse = { block: block.name, at: locationOf(child(node, 'type') ?? node) };
    if (site.via.some((outer) => outer.block === block.name)) {
      const from = site.via.findIndex((outer) => outer.block === block.name);
      this.report(say.recursiveBlock(use.at, [...site.via.slice(from), use]), site.via.slice(0, from + 1));
      return BROKEN;
    }
    if (site.via.length >= MAX_BLOCK_DEPTH) {
      // Without the whole chain of uses.
      this.collector.report(say.tooDeep(use.at, MAX_BLOCK_DEPTH));
      return BROKEN;
    }
    if (inputs.length !== block.inputs.length) {
      const at = locationOf(child(node, 'inputs') ?? node);
      this.report(
        say.inputCount(at, `block \`${block.name}\``, [block.inputs.length, block.inputs.length], inputs.length),
        site.via,
      );
      return BROKEN;
    }
    const values = argumentsOf(block, node, (problem) => this.report(problem, site.via));
    if (values === undefined) return BROKEN;
    const scope = new Scope(`${site.scope.prefix}${local}/`);
    block.inputs.forEach((name, i) => scope.locals.set(name, { kind: 'alias', target: inputs[i]! }));
    const outputs = this.expandBlock(block, values, use, node, local, scope, site);
    return { kind: 'block', scope, outputs };
  }

  /** The layers of a block in a scope that has its inputs; gives its outputs. */
  expandBlock(
    block: Block,
    values: ReadonlyMap<string, Json>,
    use: BlockUse,
    node: MapNode,
    local: string,
    scope: Scope,
    site: Site,
  ): RawBody['outputs'] {
    const via = [...site.via, use];
    const share = texts(child(node, 'share'))[0];
    const inner: Site = {
      scope,
      parameters: this.parametersOf(block, values, via),
      via,
      first: scope.locals.get(block.inputs[0]!),
      block,
      frozen: site.frozen || isFrozen(node),
      share:
        share === undefined
          ? site.share
          : { text: String(share.value) + indexOfRepeat(local), scope: site.scope, range: share, inside: scope },
    };
    this.expandList(block.layers, inner);
    return this.outputsOf(block.outputs, inner);
  }

  /** The outputs that are named, or the last layer. */
  outputsOf(named: readonly ScalarNode[], site: Site): RawBody['outputs'] {
    if (named.length === 0) return [{ name: 'output', target: toEntry(site.scope.previous ?? BROKEN) }];
    return named.map((text) => ({ name: String(text.value), target: this.reference(text, site) }));
  }
}
