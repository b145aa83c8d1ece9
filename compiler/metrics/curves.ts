/** Decisions at every threshold: what areas and operating points are read from. Exact, from sorted scores. */

/** True and false positives as the threshold falls, one point for each different score; ties are one point. */
export interface Curve {
  readonly tp: Float64Array;
  readonly fp: Float64Array;
  readonly positives: number;
  readonly negatives: number;
}

/** Undefined where a score is not a number. */
export function curveOf(yes: Float32Array, no: Float32Array): Curve | undefined {
  // Sorting puts NaN last.
  const [up, down] = [yes.slice().sort(), no.slice().sort()];
  if (Number.isNaN(up.at(-1) ?? 0) || Number.isNaN(down.at(-1) ?? 0)) return undefined;
  const tp: number[] = [];
  const fp: number[] = [];
  let [i, j] = [up.length - 1, down.length - 1];
  while (i >= 0 || j >= 0) {
    const score = Math.max(up[i] ?? -Infinity, down[j] ?? -Infinity);
    while (i >= 0 && up[i] === score) i--;
    while (j >= 0 && down[j] === score) j--;
    tp.push(up.length - 1 - i);
    fp.push(down.length - 1 - j);
  }
  return {
    tp: Float64Array.from(tp),
    fp: Float64Array.from(fp),
    positives: up.length,
    negatives: down.length,
  };
}

/** Area under true positives over false positives; the share of pairs in the right order, ties counting half. */
export function rocArea({ tp, fp, positives, negatives }: Curve): number {
  let area = 0;
  for (let i = 0; i < tp.length; i++) {
    const [beforeTp, beforeFp] = i === 0 ? [0, 0] : [tp[i - 1]!, fp[i - 1]!];
    area += ((fp[i]! - beforeFp) * (tp[i]! + beforeTp)) / 2;
  }
  return area / (positives * negatives);
}

/** Area under straight lines between the points of precision over recall, which begin at precision 1. */
export function precisionRecallArea({ tp, fp, positives }: Curve): number {
  let area = 0;
  let [recall, precision] = [0, 1];
  for (let i = 0; i < tp.length; i++) {
    const [r, p] = [tp[i]! / positives, tp[i]! / (tp[i]! + fp[i]!)];
    area += ((r - recall) * (p + precision)) / 2;
    [recall, precision] = [r, p];
  }
  return area;
}

/** Σ (recall − recall before) · precision. */
export function averagePrecisionOf({ tp, fp, positives }: Curve): number {
  let sum = 0;
  for (let i = 0; i < tp.length; i++) {
    sum += (tp[i]! - (i === 0 ? 0 : tp[i - 1]!)) * (tp[i]! / (tp[i]! + fp[i]!));
  }
  return sum / positives;
}

/** The most of `gain` over the thresholds at which `other` is at least `least`; `none` where there are none. */
export function bestWhere(
  curve: Curve,
  gain: (tp: number, fp: number) => number,
  other: (tp: number, fp: number) => number,
  least: number,
  none = 0,
): number {
  let best = none;
  for (let i = 0; i < curve.tp.length; i++) {
    const [tp, fp] = [curve.tp[i]!, curve.fp[i]!];
    // A share that was written in decimals is not missed by the last bit.
    if (other(tp, fp) >= least - 1e-12) best = Math.max(best, gain(tp, fp));
  }
  return best;
}
