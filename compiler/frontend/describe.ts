/**
 * How everything a user can name by `type:` is described: its fields as JSON Schema fragments with
 * documentation. The schema file, the validator, did-you-mean, `--help` texts and the language
 * reference are all generated from these.
 */
import type { Fields, Json } from './spec';

/** A JSON Schema (2020-12) fragment for one field. `description` is required: it becomes the reference. */
export interface FieldSchema {
  readonly description: string;
  readonly default?: Json;
  readonly [keyword: string]: Json | undefined;
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
}

/** The value of a field, or its default from the schema. */
export function fieldOf(def: Described, fields: Fields, name: string): Json | undefined {
  return fields[name] ?? def.fields[name]?.default;
}
