/**
 * How everything a user can name by `type:` is described: its fields as JSON Schema fragments with
 * documentation. The schema file, the validator, did-you-mean, `--help` texts and the language
 * reference are all generated from these.
 */
import type { Fields, Json, Mode } from './spec';

/** A JSON Schema (2020-12) fragment for one field. `description` is required: it becomes the reference. */
export interface FieldSchema {
  readonly description: string;
  readonly default?: Json;
  readonly [keyword: string]: Json | undefined;
}

/** An input of a sample: a tensor of values drawn from `range`, or listed. */
export interface SampleInput {
  /** `N` is the batch: the tests take 1 and 3. */
  readonly shape: readonly (number | 'N')[];
  /** As users write it: `float32` unless said. */
  readonly dtype?: string;
  /** Floating point: [low, high), default [-1, 1]. Integers: low … high − 1, default [0, 2]. */
  readonly range?: readonly [number, number];
  /** Values one after the other, repeated to fill the tensor. */
  readonly values?: readonly number[];
  /** Distinct values far apart (maxima, sorting), so that finite differences cross no kink. */
  readonly separated?: boolean;
}

/**
 * One case that the registry's tests run for a layer, loss or metric, as a user would write it: in float64 with
 * finite-difference gradients, natively against that, optimized against not, for a batch of 1 and of 3.
 */
export interface Sample {
  readonly name?: string;
  readonly inputs: readonly SampleInput[];
  readonly fields?: Fields;
  /** Layers between the inputs, called in0, in1, …, and what is tested, and the inputs that it then has. */
  readonly through?: { readonly layers: readonly Fields[]; readonly inputs: readonly string[] };
  /** Default: train and predict. */
  readonly modes?: readonly Mode[];
  /** Inputs, by position, whose gradient is tested; default all of floating point. */
  readonly wrt?: readonly number[];
  /** False where the parameters have no gradient to test. */
  readonly parameters?: boolean;
  /** Native against reference, relative to the largest magnitude; default 1e-4. */
  readonly tolerance?: number;
}

export interface Described {
  /** The word in `type:`. */
  readonly type: string;
  /** One sentence. */
  readonly summary: string;
  /** More, in Markdown: formula, shapes, where it comes from, how it differs from Caffe, Keras, PyTorch. */
  readonly details?: string;
  /** A complete flow-style YAML example of the item. */
  readonly example: string;
  readonly fields: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  /** The frontend fills in the field `names`: the inputs as the user wrote them, where they are plain words. */
  readonly namesInputs?: boolean;
  /** At least one for each path through `lower`; the first one suits the example. */
  readonly samples?: readonly Sample[];
}

/** The value of a field, or its default from the schema. */
export function fieldOf(def: Described, fields: Fields, name: string): Json | undefined {
  return fields[name] ?? def.fields[name]?.default;
}
