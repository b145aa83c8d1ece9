/** A layer in the making: its inputs are values, not names, so that layers can be merged before any has a name. */
import type { Fields } from '../../../frontend/spec';
import type { WeightTensor } from '../../../weights/content';
import type { Value } from './value';

/** A parameter with its numbers, and the tensor of the source that they are. */
export interface LayerTensor {
  readonly tensor: WeightTensor;
  readonly source?: string;
  readonly changed?: string;
}

/** What stands in a field such as `body` of `scan`. */
export interface Body {
  /** Names of its inputs inside. */
  readonly inputs: readonly string[];
  readonly layers: readonly Layer[];
  /** By the names that the outside sees. */
  readonly outputs: readonly { readonly name: string; readonly value: Value }[];
}

export interface Layer {
  type: string;
  inputs: readonly Value[];
  fields: Fields;
  /** By the parameter's name. */
  tensors: ReadonlyMap<string, LayerTensor>;
  /** What it would like to be called. */
  wish: string;
  /** The node that it came of; the last layer of a node has the node's own name. */
  readonly node: number;
  readonly bodies?: Readonly<Record<string, Body>>;
  comment?: string;
}
