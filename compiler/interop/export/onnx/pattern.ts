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

export function matchNode(pattern: Composition, node: Node, e: Emitter): Match | undefined {
  return matchAll(pattern, node, { values: {}, numbers: {} }, e);
}

function matchAll(pattern: Composition, node: Node, so: Match, e: Emitter): Match | undefined {
  if (node.op !== pattern.op || node.inputs.length !== pattern.of.length) return undefined;
  const orders = opNamed(node.op).traits.commutative === true ? [node.inputs, node.inputs.toReversed()] : [node.inputs];
  for (const inputs of orders) {
    const found = pattern.of.reduce<Match | undefined>(
      (match, part, i) => match && matchValue(part, inputs[i]!, match, e),
      so,
    );
    if (found) return found;
  }
  return undefined;
}

function matchValue(pattern: Pattern, value: Value, so: Match, e: Emitter): Match | undefined {
  if (typeof pattern === 'string') {
    const known = so.values[pattern];
    if (known) return known === value ? so : undefined;
    return { ...so, values: { ...so.values, [pattern]: value } };
  }
  if (typeof pattern === 'object' && 'op' in pattern) {
    const node = e.definition(value);
    return node && matchAll(pattern, node, so, e);
  }
  const found = value.type.shape.length === 0 ? e.listed(value)?.[0] : undefined;
  if (found === undefined) return undefined;
  if (typeof pattern === 'number') return Math.abs(found - pattern) <= CLOSE * Math.abs(pattern) ? so : undefined;
  return { ...so, numbers: { ...so.numbers, [pattern.number]: found } };
}
