/**
 * The one IR: an immutable, typed, pure dataflow graph. Nodes are in topological order, every value
 * has exactly one definition (an input, a state or a node output), and no op has side effects:
 * state changes are the `updates` list, applied when the whole step has run.
 * Identity is object identity; names are unique within a graph and are what the printer shows.
 */
import type { Origin } from '../diagnostics/location';
import type { TensorType } from './types';

export type AttrValue = number | boolean | string | readonly number[] | readonly boolean[] | readonly string[];
export type Attrs = Readonly<Record<string, AttrValue>>;

export interface Value {
  /** Without the `%` or `@` that the printer puts before it. */
  readonly name: string;
  readonly type: TensorType;
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly attrs: Attrs;
  readonly outputs: readonly Value[];
  readonly origin: Origin;
  /**
   * Graphs that the op runs: the body of a loop, the branches of a condition. A region is closed (it sees its own
   * inputs and nothing else) and pure (no states, no updates); its names are its own.
   */
  readonly regions?: readonly Graph[];
}

/** What a state tensor is for: it decides where a checkpoint stores it. */
export type StateRole =
  /** trainable: `/weights/<layer>/<param>` */
  | 'parameter'
  /** not trainable but part of the model (running statistics): `/weights/<layer>/<param>` too */
  | 'buffer'
  /** optimizer state: `/optimizer/<layer>/<param>/<slot>` */
  | 'slot'
  /** made of other states by the program `prepare` (plan/prepare.ts): nobody sees it, nothing stores it */
  | 'derived';

/** A tensor that outlives a step. Named `<layer>.<param>` or `<layer>.<param>.<slot>`; printed as `@name`. */
export interface State {
  readonly value: Value;
  readonly role: StateRole;
  readonly origin: Origin;
}

/** A named result of the graph: what the caller reads after a step. */
export interface Result {
  readonly name: string;
  readonly value: Value;
}

/** When the step has run, `state` holds what `value` held. */
export interface Update {
  readonly state: Value;
  readonly value: Value;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly states: readonly State[];
  readonly nodes: readonly Node[];
  readonly results: readonly Result[];
  readonly updates: readonly Update[];
}
