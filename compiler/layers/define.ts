/**
 * A layer is the user's word: schema fragment, documentation and lowering to ops, in one file.
 * Losses, metrics, optimizers, schedules, initializers and data sources are described in the same way (`describe.ts`).
 */
import type { Described } from '../frontend/describe';
import type { Fields, Json, Locate, Mode, ParameterKind } from '../frontend/spec';
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import type { Shape } from '../ir/types';

/** What a layer may ask of the model it is lowered in. */
export interface LowerContext {
  readonly b: Builder;
  /** The layer's full name. */
  readonly name: string;
  readonly mode: Mode;
  /** The layer's fields, with the defaults of its definition filled in. */
  readonly fields: Fields;
  /** What symbolic dimensions stand for in this graph, e.g. `{N: 64}`. */
  readonly symbols: Readonly<Record<string, number>>;
  readonly at: Locate;
  /** A trainable parameter `<layer>.<param>`; the user's `parameters: {<param>: {init, lr, decay, frozen}}` wins over the default initializer. */
  parameter(param: string, shape: Shape, options: ParameterOptions): Value;
  /** A non-trainable tensor that the model keeps (running statistics). */
  buffer(name: string, shape: Shape, init: Json): Value;
  /** In training, `buffer` becomes `value` when the step is done; ignored in the other modes. */
  updateBuffer(buffer: Value, value: Value): void;
  /** The i64[2] (seed, step) input that random ops draw from, in any mode; pass it with a `stream` from `stream()`. */
  rng(): Value;
  /** Adds sum / count, both f32[], to the loss of training and evaluation; ignored in prediction. */
  penalty(sum: Value, count: Value): void;
  /** What the body in a field takes and gives, by the names it has inside; undefined where the field is not given. */
  body(field: string): BodyInterface | undefined;
  /**
   * Lowers the body in a field into `b` on these inputs, and gives its outputs. `b` is this context's builder or a region
   * of it; in a loop, `index` tells the draws of its steps apart.
   */
  lowerBody(field: string, b: Builder, inputs: readonly Value[], index?: Value): readonly Value[];
  /** A Philox stream number of this layer: a 32-bit hash of its name and the purpose. */
  stream(purpose: string): number;
  /** Reports a problem of this layer at one of its fields ([] for the layer itself) and gives the layer up. */
  fail(path: readonly (string | number)[], message: string, hint?: string): never;
  /** Reports that the inputs do not suit the layer, with where each of them comes from, and gives the layer up. */
  mismatch(what: 'shape' | 'dtype', message: string, hint?: string): never;
}

export interface BodyInterface {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export type Bodies = Readonly<Record<string, BodyInterface>>;

export interface ParameterOptions {
  /** Default initializer: a name or `{type: ..., ...}` as a user would write it. */
  readonly init: Json;
  /** False for biases and normalization parameters: no weight decay unless the user asks for it. */
  readonly decay?: boolean;
  /** What groups choose by; default: by the parameter's name and the layer's family. */
  readonly kind?: ParameterKind;
  /** For fan-based initializers; default: axis 0 is out, axis 1 in, the rest the receptive field. */
  readonly fanIn?: number;
  readonly fanOut?: number;
  /** The name under `parameters:` whose settings apply, where several of a layer's parameters share them; default: its own. */
  readonly settings?: string;
}

/** As the upper end of `arity`: any number of inputs. */
export const MANY = Number.MAX_SAFE_INTEGER;

export interface LayerDef extends Described {
  /** Least and greatest number of inputs. */
  readonly arity: readonly [number, number];
  /** Adds the common `activation` field, applied to the first output. */
  readonly activates?: boolean;
  /** Fields that hold a sub-graph: the name of a block, `{type: block, ...parameters}`, or `{inputs, layers, outputs}`. */
  readonly bodies?: readonly string[];
  /** Field that names a layer, written anywhere, whose value the output (a buffer) takes on after a training step. */
  readonly feedback?: string;
  /** Names of parameters, for the `parameters:` field: e.g. ['weight', 'bias']. */
  readonly parameters?: readonly string[];
  /** Names of buffers, where a layer without parameters lets others share them. */
  readonly buffers?: readonly string[];
  /** Names of outputs after the first, if there are any; a function where they depend on the fields as written, defaults not filled in. */
  readonly outputs?: readonly string[] | ((fields: Fields, bodies: Bodies) => readonly string[]);
  /** What the first output is called beside the layer's own name: `0` where outputs are numbered. */
  readonly first?: string;
  /** Pure: makes nodes through `context.b`, returns the output(s). */
  lower(context: LowerContext, inputs: readonly Value[]): Value | readonly Value[];
}

export function defineLayer(def: LayerDef): LayerDef {
  return def;
}

/** Names of the outputs after the first, for a layer with these fields. */
export function outputNames(def: LayerDef, fields: Fields, bodies: Bodies = {}): readonly string[] {
  return typeof def.outputs === 'function' ? def.outputs(fields, bodies) : (def.outputs ?? []);
}
