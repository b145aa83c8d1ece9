/**
 * Where something stands in a user's file, and how it got from there into the graph.
 * Every layer, IR node and kernel step carries an Origin, so a failure at any depth can
 * name the line of the model file that caused it.
 */

/** A range on one line of a file. Lines and columns count from 1, as editors do. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Characters covered on that line; at least 1. */
  readonly length: number;
  readonly endLine?: number;
  readonly endColumn?: number;
  /** The text of that line, for renderers that show it. */
  readonly lineText?: string;
}

/** The pseudo file of everything given as `key=value` on the command line; its line k is the k-th override. */
export const COMMAND_LINE = '<command line>';

/** One use of a block on the way from the model file to an expanded layer. */
export interface BlockUse {
  readonly block: string;
  readonly at: Location;
}

/** The layer (full, expanded name such as `stage1/2/conv1`) a thing was made for, and where that layer is written. */
export interface Origin {
  readonly layer: string;
  readonly at: Location;
  /** Outermost use first; empty for a layer written at the top level. */
  readonly via: readonly BlockUse[];
}

export function formatLocation(at: Location): string {
  return `${at.file}:${at.line}:${at.column}`;
}
