/**
 * Compositions of our ops that are one operator of ONNX, as patterns: an op with what it takes, a name for a value (the
 * same name, the same value), a number, or a name for a number that is read off.
 */
import type { Node, Value } from '../../../ir/graph';
import { opNamed } from '../../../ops/registry';
import type { Emitter } from './emitter';

export type Pattern = string | number | { readonly number: string } | Composition;

export interface Composition {
  readonly op: string;
  readonly of: readonly Pattern[];
  /** What the attributes have to be. */
  readonly holds?: (node: Node) => boolean;
}

export function op(name: string, ...of: readonly Pattern[]): Composition {
  return { op: name, of };
}

export function number(name: string): Pattern {
  return { number: name };
}

export interface Match {
  readonly values: Readonly<Record<string, Value>>;
  readonly numbers: Readonly<Record<string, number>>;
}

/** Relative: constants have been through float32. */
const CLOSE = 1e-6;

const NOTHING: Match = { values: {}, numbers: {} };

export function matchNode(pattern: Composition, node: Node, e: Emitter): Match | undefined {
  return matchAll(pattern, node, NOTHING, e);
}

function matchAll(pattern: Composition, node: Node, so: Match, e: Emitter): Match | undefined {
  if (node.op !== pattern.op || node.inputs.length !== pattern.of.length) return undefined;
  if (pattern.holds?.(node) === false) return undefined;
  const orders = opNamed(node.op).traits.commutative === true ? [node.inputs, node.inputs.toReversed()] : [node.inputs];
  for (const inputs of orders) {
    const found = pattern.of.reduce<Match | undefined>(
      (match, part, i) => match && matchValue(part, inputs[i]!, e, match),
      so,
    );
    if (found) return found;
  }
  return undefined;
}

/** `so` is what other parts have matched before. */
export function matchValue(pattern: Pattern, value: Value, e: Emitter, so: Match = NOTHING): Match | undefined {
  if (typeof pattern === 'string') {
    const known = so.values[pattern];
    if (known) return known === value ? so : undefined;
    return { ...so, values: { ...so.values, [pattern]: value } };
  }
  if (typeof pattern === 'object' && 'op' in pattern) {
    const node = e.definition(value);
    return node && matchAll(pattern, node, so, e);
  }
  const found = numberIn(value, e);
  if (found === undefined) return undefined;
  if (typeof pattern === 'number') return Math.abs(found - pattern) <= CLOSE * Math.abs(pattern) ? so : undefined;
  return { ...so, numbers: { ...so.numbers, [pattern.number]: found } };
}

/** Of a constant that is a single number. */
function numberIn(value: Value, e: Emitter): number | undefined {
  const node = e.definition(value);
  if (node?.op !== 'constant' || value.type.shape.length > 0) return undefined;
  return (node.attrs['values'] as readonly number[])[0];
}
