/**
 * One call of one Keras layer while it is converted: its settings, its inputs, its weights, and the ways of adding
 * layers to the draft with everything accounted for.
 */
import type { Fields, Json } from '../../../frontend/spec';
import type { WeightTensor } from '../../../weights/content';
import type { Draft } from '../../draft';
import { activationField, activationOf, UnknownActivation, type Activation } from './activations';
import { Config, type Settings } from './config';
import type { Call, KerasLayer } from './graph';
import { upgrade } from './keras1';
import { parameters, type ParameterRule } from './settings';
import { sameShape, toNumbers, toTensor, type Numbers } from '../../formats/keras/tensors';
import { channelsFirst, identity } from '../../formats/keras/axes';
import type { Orders, Value } from './value';
import type { LayerPath, StoredWeight } from './weights';

/** Why a layer can't be converted; what else is wrong is found all the same. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

export interface UseContext {
  readonly draft: Draft;
  readonly orders: Orders;
  readonly version: number;
  /** The order of axes of images where a layer doesn't say. */
  readonly images: 'channels_first' | 'channels_last';
  /** Kernels are flipped: written by Theano, whose convolutions turn them. */
  readonly flipped: boolean;
  /** Names of the weights that have found their places; undefined where the files have none. */
  readonly taken: Set<string> | undefined;
  /** The layer inside of one that hands it the whole input, with the weights of the outer one. */
  alike(use: Use, inner: KerasLayer): Value;
  /** The layer inside of one that hands it parts of the input, as the body of a layer of ours. */
  body(use: Use, inner: KerasLayer, input: Value): Body;
}

export interface Body {
  readonly value: Value;
  /** `{layers, outputs}`. */
  readonly body: Fields;
  readonly tensors: ReadonlyMap<string, WeightTensor>;
}

/** Settings that say how Keras computes or keeps something, not what. */
const NO_MEANING = [
  ...['name', 'trainable', 'dtype', 'batch_input_shape', 'batch_shape', 'input_shape', 'build_config', 'input_length'],
  ...['input_dim', 'implementation', 'consume_less', 'unroll', 'seed', 'sparse', 'ragged', 'batch_size', 'autocast'],
  ...['input_dtype', 'time_major', 'use_cudnn', 'quantization_config', 'synchronized', 'optional', 'weights'],
];
/** Worth a line in the account where they are set. */
const HOW = ['unroll', 'seed'];

/** What the first call of a layer with weights left for the later ones. */
export interface FirstUse {
  /** Our layers that hold its weights, in order. */
  readonly owners: string[];
}

/** One call of a layer, as the graph has it. */
export interface Called {
  readonly layer: KerasLayer;
  /** Its name with those of the models around it. */
  readonly name: string;
  readonly call: Call;
  readonly inputs: readonly Value[];
  readonly named: Readonly<Record<string, readonly Value[]>>;
  readonly stored: readonly StoredWeight[] | undefined;
  readonly first: FirstUse;
  /** Whether its only input is read by nothing else. */
  readonly alone: boolean;
  readonly repeated: boolean;
  readonly path: LayerPath;
}

export class Use {
  readonly config: Config;
  readonly layer: KerasLayer;
  readonly name: string;
  readonly call: Call;
  readonly inputs: readonly Value[];
  readonly named: Called['named'];
  readonly alone: boolean;
  readonly repeated: boolean;
  private readonly stored: Called['stored'];
  private readonly first: FirstUse;
  private owner = 0;
  private cursor = 0;

  constructor(
    readonly called: Called,
    readonly context: UseContext,
  ) {
    const { layer } = called;
    this.layer = layer;
    this.name = called.name;
    this.call = called.call;
    this.inputs = called.inputs;
    this.named = called.named;
    this.alone = called.alone;
    this.repeated = called.repeated;
    this.stored = called.stored;
    this.first = called.first;
    this.config = new Config(layer.config, (problem) => {
      throw new Refusal(problem);
    });
    this.config.ignore(...NO_MEANING);
  }

  get version(): number {
    return this.context.version;
  }

  get input(): Value {
    const [input] = this.inputs;
    if (input === undefined) throw new Refusal('it has no input');
    return input;
  }

  /** Refuses inputs with another number of axes, the batch among them. */
  rank(...allowed: readonly number[]): number {
    const rank = this.input.shape.length;
    if (!allowed.includes(rank)) throw new Refusal(`its input has ${rank} axes instead of ${allowed.join(' or ')}`);
    return rank;
  }

  /** Settings of a layer of Keras 1 inside of this one, in the words of Keras 2. */
  upgraded(type: string, settings: Settings): Settings {
    return upgrade(type, settings).config;
  }

  lost(setting: string, reason: string): void {
    this.context.draft.account({ kind: 'setting', source: `${this.name}.${setting}`, fate: 'dropped', reason });
  }

  converted(setting: string, reason: string): void {
    this.context.draft.account({ kind: 'setting', source: `${this.name}.${setting}`, fate: 'converted', reason });
  }

  /** A layer of ours without weights; the first one has the name of Keras's layer. */
  plain(type: string, inputs: readonly string[], fields: Fields = {}, suffix = ''): string {
    return this.context.draft.layer({ name: `${this.name}${suffix}`, type, inputs, fields });
  }

  /**
   * A layer of ours with weights: `store` takes them in Keras's order and gives them by our names. In a later call of a
   * shared layer it shares those of the first.
   */
  weighted(
    type: string,
    inputs: readonly string[],
    fields: Fields,
    rules: readonly ParameterRule[],
    store: () => Readonly<Record<string, Numbers>>,
    suffix = '',
  ): string {
    const { draft } = this.context;
    const settings = parameters(this.config, rules, (setting, reason) => this.lost(setting, reason));
    const owner = this.first.owners[this.owner++];
    if (this.repeated && owner !== undefined)
      return draft.layer({ name: `${this.name}${suffix}`, type, inputs, fields: { ...fields, share: owner } });
    const frozen = this.config.value('trainable') === false ? { frozen: true } : {};
    const all = { ...fields, ...settings, ...frozen };
    const name = draft.layer({ name: `${this.name}${suffix}`, type, inputs, fields: all });
    this.first.owners.push(name);
    if (this.stored === undefined && this.context.taken === undefined) return name;
    for (const [param, numbers] of Object.entries(store())) draft.tensor(`${name}.${param}`, toTensor(numbers));
    return name;
  }

  /** The next stored weight, of the shape that the settings tell; `to` is what the account calls it here. */
  take(shape: readonly number[] | undefined, to: string, reason?: string): Numbers {
    const { name, tensor } = this.stored?.[this.cursor++] ?? {};
    if (name === undefined || tensor === undefined)
      throw new Refusal(`the file has ${this.stored?.length ?? 0} weights for it, too few`);
    if (shape !== undefined && !sameShape(shape, tensor.shape))
      throw new Refusal(
        `the weight \`${name}\` is [${tensor.shape.join(', ')}] where [${shape.join(', ')}] is expected`,
      );
    this.context.taken?.add(name);
    const fate = reason === undefined ? 'mapped' : 'converted';
    const entry = { kind: 'tensor', source: name, fate, to: `${this.name}.${to}` } as const;
    this.context.draft.account(reason === undefined ? entry : { ...entry, reason });
    return toNumbers(tensor);
  }

  /** The shape of a weight that is still to be taken. */
  ahead(offset = 0): readonly number[] | undefined {
    return this.stored?.[this.cursor + offset]?.tensor.shape;
  }

  /** How many weights nobody has taken yet. */
  left(): number {
    return (this.stored?.length ?? 0) - this.cursor;
  }

  /** The weights were taken by another use of this one's. */
  handOver(): void {
    this.cursor = this.stored?.length ?? 0;
  }

  skip(reason: string): void {
    const weight = this.stored?.[this.cursor++];
    if (weight === undefined) return;
    this.context.taken?.add(weight.name);
    this.context.draft.account({ kind: 'tensor', source: weight.name, fate: 'dropped', reason });
  }

  activation(key = 'activation', fallback: Json = null): Activation | undefined {
    try {
      return activationOf(this.config.value(key) ?? fallback, this.version);
    } catch (error) {
      if (!(error instanceof UnknownActivation)) throw error;
      throw new Refusal(`the activation \`${error.message}\` has no counterpart`);
    }
  }

  /** Whether images have their channels last, as they have unless the layer, or others of a Keras 1 model, say no. */
  channelsLast(): boolean {
    const usual = this.input.shape.length > 3 ? this.context.images : 'channels_last';
    return this.config.text('data_format', usual) !== 'channels_first';
  }

  /** In which order the layer's images are held: channels before the spatial axes. */
  imageOrder(rank: number): number[] {
    return this.channelsLast() ? channelsFirst(rank) : identity(rank);
  }

  /** Writes an activation into the layer that was just added, or behind it where its place has no field for it. */
  activated(ref: string, order: readonly number[], found: Activation | undefined): string {
    if (found === undefined) return ref;
    const { draft } = this.context;
    const at = draft.layers.findIndex(({ name }) => name === ref);
    const layer = draft.layers[at]!;
    const activation = placed(found, order);
    if (at >= 0 && found.type !== 'expression' && found.type !== 'glu') {
      draft.layers[at] = { ...layer, fields: { ...layer.fields, activation: activationField(activation) } };
      return ref;
    }
    return this.plain(found.type, [ref], activation.fields, '_activation');
  }

  /** Reports settings that nobody looked at. */
  finish(): void {
    for (const key of HOW) {
      const value = this.layer.config[key];
      if (value === undefined || value === null || value === false || this.repeated) continue;
      if (key === 'stateful')
        this.lost(key, 'states start from zeros in every call; hand them on as inputs and outputs');
      else this.lost(key, 'how Keras computes it, not what');
    }
    for (const key of this.config.unread())
      if (!HOW.includes(key)) this.lost(key, 'a setting of this layer that is not known here; look whether it matters');
    if (this.stored !== undefined && !this.repeated && this.cursor < this.stored.length)
      throw new Refusal(`the file has ${this.stored.length} weights for it, of which ${this.cursor} have a place`);
  }
}

/** An activation along an axis, with our axis where it is not the usual one. */
export function placed(activation: Activation, order: readonly number[]): Activation {
  if (activation.axis === undefined) return activation;
  const rank = order.length;
  const axis = order.indexOf(activation.axis < 0 ? activation.axis + rank : activation.axis);
  if (axis < 1) throw new Refusal(`its axis ${activation.axis} is not one of its input`);
  const usual = activation.type === 'glu' ? rank - 1 : 1;
  return { type: activation.type, fields: { ...activation.fields, ...(axis === usual ? {} : { axis }) } };
}
