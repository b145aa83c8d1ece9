/**
 * Declares the parameters and buffers of layers: names, sharing, the user's `parameters:` settings, size limits.
 * Decay applies to every parameter unless the layer or the user says otherwise, as in Caffe and PyTorch.
 */
import * as say from '../diagnostics/catalogue';
import { InternalError } from '../diagnostics/errors';
import type { Location } from '../diagnostics/location';
import { through } from '../diagnostics/make';
import { allLayers } from '../frontend/spec';
import type { Fields, Json, LayerSpec, ParameterKind, Spec } from '../frontend/spec';
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import type { Shape } from '../ir/types';
import { elementCount, sameShape } from '../ir/types';
import type { ParameterOptions } from '../layers/define';
import { NORMALIZATIONS } from '../layers/normalization/index';
import { AVERAGE } from './averaging';
import { formatShape, GivenUp, LARGEST_SINGLE, requireAddressable } from './problems';
import type { StateInfo } from './states';

export class Parameters {
  readonly infos = new Map<string, StateInfo>();
  /** Buffers that a layer before has replaced in this step: a layer that shares them goes on from there. */
  readonly #pending = new Map<StateInfo, Value>();
  /** Parameters that an optimizer has changed in this step: who reads them from now on reads the new value. */
  readonly #current = new Map<StateInfo, Value>();
  /** The state that each buffer value handed out, old or replaced, stands for. */
  readonly #buffers = new Map<Value, StateInfo>();
  readonly #layers: ReadonlyMap<string, LayerSpec>;
  /** Weight files keep `a.weight` at `a/weight`, where a layer `a/weight` keeps its own: by path, whose it is. */
  readonly #tensors = new Map<string, { readonly layer: string; readonly param: string }>();
  readonly #folders = new Map<string, LayerSpec>();

  constructor(
    spec: Spec,
    private readonly b: Builder,
    private readonly averaged: ReadonlySet<string> = new Set(),
  ) {
    this.#layers = new Map(allLayers(spec.layers).map((layer) => [layer.name, layer]));
  }

  parameter(layer: LayerSpec, param: string, shape: Shape, options: ParameterOptions): Value {
    const owner = this.#ownerOf(layer);
    const called = options.settings ?? param;
    const settings = settingsOf(owner, called);
    const tie = settings['share'];
    if (typeof tie === 'string') return this.#tied(owner, called, tie, shape, options);
    const byUser = settings['init'];
    if (byUser !== undefined && param === 'weight' && owner.fields['init'] !== undefined) {
      const problem = `and \`parameters: {${param}: {init: …}}\` both name an initializer`;
      throw new GivenUp(through(say.conflictingFields(owner.at(['init']), ['init'], problem), owner.origin.via));
    }
    const receptive = elementCount(shape.slice(2));
    // A bias counts the inputs of the weight that it is added to.
    const weight = shape.length < 2 ? this.infos.get(`${owner.name}.weight`) : undefined;
    const lr = numberIn(settings, 'lr', 1);
    const state = this.#declare(layer, owner, param, shape, {
      role: 'parameter',
      init: byUser ?? options.init,
      initAt: () => owner.at(byUser === undefined ? ['init'] : ['parameters', called, 'init']),
      fanIn: options.fanIn ?? weight?.fanIn ?? (shape[1] ?? shape[0] ?? 1) * receptive,
      fanOut: options.fanOut ?? (shape[0] ?? 1) * receptive,
      lr,
      decay: numberIn(settings, 'decay', options.decay === false ? 0 : 1),
      frozen: owner.fields['frozen'] === true || settings['frozen'] === true || lr === 0,
      kind: options.kind ?? kindOf(owner.type, param, shape),
      own: settings,
      ownAt: (field) => owner.at(['parameters', called, field]),
    });
    const info = this.infos.get(state.name);
    if (info && this.averaged.has(state.name) && !this.#current.has(info)) {
      this.#current.set(info, this.b.state(`${state.name}.${AVERAGE}`, state.type, 'slot'));
    }
    return (info && this.#current.get(info)) ?? state;
  }

  /** The parameter of another layer, as if that layer asked for it. */
  #tied(layer: LayerSpec, called: string, tie: string, shape: Shape, options: ParameterOptions): Value {
    const dot = tie.lastIndexOf('.');
    const owner = this.#layers.get(tie.slice(0, dot));
    const at = (): Location => layer.at(['parameters', called, 'share']);
    const refuse = (problem: string): GivenUp =>
      new GivenUp(through(say.shareMismatch(at(), layer.name, tie, problem), layer.origin.via));
    const order = [...this.#layers.keys()];
    if (!owner || owner === layer) throw refuse('it is no other layer');
    if (order.indexOf(owner.name) > order.indexOf(layer.name)) {
      throw refuse('that layer comes later: let it share this one');
    }
    const existing = this.infos.get(`${this.#ownerOf(owner).name}.${tie.slice(dot + 1)}`);
    if (existing && !sameShape(existing.value.type.shape, shape)) {
      const [mine, theirs] = [formatShape(shape), formatShape(existing.value.type.shape)];
      throw refuse(`\`${called}\` would be ${mine} here and is ${theirs} there`);
    }
    const of = tie.slice(dot + 1);
    const lowered = [...this.infos.values()].some((info) => info.layer === this.#ownerOf(owner).name);
    if (!existing && lowered) throw refuse(`that layer has no \`${of}\` with the fields it has`);
    return this.parameter(owner, of, shape, { ...options, settings: of });
  }

  /** What a parameter is from here on in this step. */
  currentOf(info: StateInfo): Value {
    return this.#current.get(info) ?? info.value;
  }

  advance(info: StateInfo, value: Value): void {
    this.#current.set(info, value);
  }

  buffer(layer: LayerSpec, name: string, shape: Shape, init: Json): Value {
    const owner = this.#ownerOf(layer);
    const state = this.#declare(layer, owner, name, shape, {
      role: 'buffer',
      init,
      initAt: () => owner.at([]),
      fanIn: 1,
      fanOut: 1,
      lr: 0,
      decay: 0,
      frozen: true,
      kind: 'weight',
      own: {},
      ownAt: () => owner.at([]),
    });
    const info = this.infos.get(state.name);
    if (!info) return state;
    this.#buffers.set(state, info);
    return this.#pending.get(info) ?? state;
  }

  replace(buffer: Value, value: Value): void {
    const info = this.#buffers.get(buffer);
    if (!info) throw new InternalError(`'${buffer.name}' is no buffer`);
    this.#buffers.set(value, info);
    this.#pending.set(info, value);
  }

  /** Writes the new contents of buffers into the graph's updates. */
  finish(): void {
    for (const [info, value] of this.#pending) this.b.update(info.value, value);
  }

  /** Begins another pass: what the passes before have made of states is given, and gradients do not go through it. */
  settle(): void {
    const stop = (value: Value): Value => this.b.op('stop_gradient', [value], {}, `${value.name}.settled`);
    for (const [info, value] of this.#current) if (value !== info.value) this.#current.set(info, stop(value));
    for (const [info, value] of this.#pending) {
      const settled = stop(value);
      this.#pending.set(info, settled);
      this.#buffers.set(settled, info);
    }
  }

  #ownerOf(layer: LayerSpec): LayerSpec {
    const shared = layer.fields['share'];
    if (typeof shared !== 'string') return layer;
    const owner = this.#layers.get(shared);
    if (!owner) throw this.#cannotShare(layer, shared, 'there is no such layer');
    if (owner.type !== layer.type) throw this.#cannotShare(layer, shared, `it is a ${owner.type}, not a ${layer.type}`);
    if (owner.fields['share'] !== undefined) throw this.#cannotShare(layer, shared, 'it shares those of another layer');
    return owner;
  }

  #declare(
    layer: LayerSpec,
    owner: LayerSpec,
    param: string,
    shape: Shape,
    info: Omit<StateInfo, 'value' | 'layer' | 'param' | 'origin'>,
  ): Value {
    const name = `${owner.name}.${param}`;
    const existing = this.infos.get(name);
    if (existing) {
      if (!sameShape(existing.value.type.shape, shape)) {
        const [mine, theirs] = [formatShape(shape), formatShape(existing.value.type.shape)];
        const problem = `\`${param}\` would be ${mine} here and is ${theirs} there`;
        throw this.#cannotShare(layer, layer === owner ? existing.origin.layer : owner.name, problem);
      }
      return existing.value;
    }
    requireAddressable(layer, `\`${param}\` of layer \`${layer.name}\``, shape, LARGEST_SINGLE);
    this.#place(owner, param);
    const value = this.b.state(name, { dtype: 'f32', shape }, info.role);
    this.infos.set(name, { value, layer: owner.name, param, origin: owner.origin, ...info });
    return value;
  }

  /** Refuses a layer that is named like a parameter of another one. */
  #place(owner: LayerSpec, param: string): void {
    const path = `${owner.name}/${param}`;
    const refuse = (layer: LayerSpec, taken: string, of: { readonly layer: string; readonly param: string }): never => {
      const by = `parameter \`${of.param}\` of layer \`${of.layer}\` in weight files`;
      throw new GivenUp(through(say.reservedName(layer.at(['name']), 'layer', taken, by), layer.origin.via));
    };
    const inside = this.#folders.get(path);
    if (inside) refuse(inside, path, { layer: owner.name, param });
    const words = owner.name.split('/');
    for (let end = 1; end <= words.length; end++) {
      const folder = words.slice(0, end).join('/');
      const tensor = this.#tensors.get(folder);
      if (tensor) refuse(owner, folder, tensor);
      this.#folders.set(folder, owner);
    }
    this.#tensors.set(path, { layer: owner.name, param });
  }

  #cannotShare(layer: LayerSpec, target: string, problem: string): GivenUp {
    return new GivenUp(through(say.shareMismatch(layer.at(['share']), layer.name, target, problem), layer.origin.via));
  }
}

function settingsOf(layer: LayerSpec, param: string): Fields {
  const all = layer.fields['parameters'];
  if (typeof all !== 'object' || all === null || Array.isArray(all)) return {};
  const own = (all as Fields)[param];
  return typeof own === 'object' && own !== null && !Array.isArray(own) ? (own as Fields) : {};
}

/** What a parameter is, where its layer does not say: by its name and the family of the layer. */
function kindOf(type: string, param: string, shape: Shape): ParameterKind {
  if (/(^|_)bias(_|$)/.test(param)) return 'bias';
  if (param === 'gamma' || param === 'beta') return 'norm';
  if (Object.hasOwn(NORMALIZATIONS, type) && shape.length <= 1) return 'norm';
  return /(^|_)embedding(_|$)/.test(type) ? 'embedding' : 'weight';
}

/** A multiplier; true and false stand for 1 and 0. */
function numberIn(settings: Fields, name: string, byDefault: number): number {
  const value = settings[name];
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' ? value : byDefault;
}
