/** Clipping of gradients: by element, by the norm of each, by the norm of all. Norms in float32, sums in fixed trees. */
import type { ClipSpec } from '../frontend/spec';
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import { Arithmetic } from '../ops/families/arithmetic';

/** What PyTorch adds to a norm before it divides by it. */
const GUARD = 1e-6;

export interface Clipped {
  readonly gradients: readonly Value[];
  /** The norm of all before the last kind of clipping; only where that is asked for. */
  readonly norm?: Value;
}

/** `name` says whose gradients they are, for the message where their norm is not finite. */
export function clip(b: Builder, given: readonly Value[], spec: ClipSpec | undefined, name: string): Clipped {
  if (!spec || given.length === 0) return { gradients: given };
  const m = new Arithmetic(b, 'f32');
  let gradients = given;
  const { value, norm, globalNorm } = spec;
  if (value !== undefined) {
    gradients = gradients.map((g) => b.op('minimum', [b.op('maximum', [g, m.value(-value)]), m.value(value)]));
  }
  if (norm !== undefined) gradients = gradients.map((g) => scaledDown(m, g, b.op('norm', [g]), norm));
  if (globalNorm === undefined) return { gradients };
  const squares = gradients.map((g) => m.square(b.op('norm', [g])));
  const sum = squares.reduce((total, square) => m.add(total, square));
  const found = b.op('check_finite', [b.op('sqrt', [sum])], { what: `the norm of ${name}` });
  return { gradients: gradients.map((g) => scaledDown(m, g, found, globalNorm)), norm: found };
}

function scaledDown(m: Arithmetic, gradient: Value, norm: Value, limit: number): Value {
  return m.mul(gradient, m.b.op('minimum', [m.div(limit, m.add(norm, GUARD)), m.value(1)]));
}
