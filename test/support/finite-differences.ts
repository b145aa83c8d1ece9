/**
 * Derivatives by central differences in float64, the judge of every gradient: for a scalar function of several
 * tensors, at a bounded number of coordinates and along one random direction.
 */
import type { RefTensor } from '../../compiler/ops/define';
import { generator, shuffled } from './samples';

const STEP = 1e-5;
const COORDINATES = 24;

export interface Derivative {
  readonly what: string;
  readonly expected: number;
  readonly found: number;
  /** What `found` may differ by. */
  readonly allowed: number;
}

/** Compares `gradients`, those of the inputs `wrt` (undefined: zero), with central differences of `f` at `inputs`. */
export function compareDerivatives(
  f: (inputs: readonly RefTensor[]) => number,
  inputs: readonly RefTensor[],
  wrt: readonly number[],
  gradients: readonly (Float64Array | undefined)[],
  tolerance = 1e-6,
): Derivative[] {
  const random = generator(7);
  const results: Derivative[] = [];
  for (const [n, k] of wrt.entries()) {
    const input = inputs[k];
    if (!input) continue;
    const { length } = input.data;
    const gradient = gradients[n] ?? new Float64Array(length);
    const directions = shuffled(length, random)
      .slice(0, COORDINATES)
      .map((i) => ({
        what: `input ${k}, element ${i}`,
        v: Float64Array.from({ length }, (_, j) => (i === j ? 1 : 0)),
      }));
    directions.push({ what: `input ${k}, all elements`, v: Float64Array.from({ length }, () => 2 * random() - 1) });
    for (const { what, v } of directions) {
      const at = (h: number): number =>
        f(inputs.with(k, { type: input.type, data: input.data.map((x, i) => x + h * (v[i] ?? 0)) }));
      // Two step widths remove the error's quadratic term.
      const slope = (h: number): number => (at(h) - at(-h)) / (2 * h);
      const expected = (4 * slope(STEP) - slope(2 * STEP)) / 3;
      const terms = gradient.map((g, i) => g * (v[i] ?? 0));
      const size = terms.reduce((sum, term) => sum + Math.abs(term), 0);
      const found = terms.reduce((sum, term) => sum + term, 0);
      results.push({ what, expected, found, allowed: tolerance * Math.max(size, Math.abs(expected), 1e-2) });
    }
  }
  return results;
}
