/** Detections held against true boxes, class by class: which are right at an overlap, and the average precision then. */

export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

export interface Detection {
  readonly image: number;
  readonly box: Box;
  readonly score: number;
}

/** One that is `difficult` need not be found, and finding it is no mistake. */
export interface Truth {
  readonly box: Box;
  readonly difficult: boolean;
}

/** All of one class. */
export interface ClassBoxes {
  readonly found: readonly Detection[];
  /** By image. */
  readonly truths: ReadonlyMap<number, readonly Truth[]>;
}

/** The detections of a class from the highest score down. */
export interface Judged {
  readonly right: readonly boolean[];
  /** True boxes that should be found. */
  readonly wanted: number;
}

export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (!(width > 0 && height > 0)) return 0;
  const common = width * height;
  const area = ([x1, y1, x2, y2]: Box): number => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
  return common / (area(a) + area(b) - common);
}

/** The best `most` of each image, all from the highest score down; equals in the order they came in. */
export function ordered(found: readonly Detection[], most: number | undefined): readonly Detection[] {
  const sorted = [...found].sort((a, b) => b.score - a.score);
  if (most === undefined) return sorted;
  const counts = new Map<number, number>();
  return sorted.filter(({ image }) => {
    const count = (counts.get(image) ?? 0) + 1;
    counts.set(image, count);
    return count <= most;
  });
}

/**
 * Which of the ordered detections are right: those that overlap a true box by `least` or more, each true box once. One
 * that is taken already is passed over for the next best (`nextBest`, COCO), or makes the detection wrong (VOC).
 */
export function judge({ found, truths }: ClassBoxes, least: number, nextBest: boolean): Judged {
  const taken = new Set<Truth>();
  const right: boolean[] = [];
  for (const { image, box } of found) {
    const truth = truths.get(image) ?? [];
    const best = nextBest
      ? (nearest(box, truth, least, (one) => !one.difficult && !taken.has(one)) ??
        nearest(box, truth, least, (one) => one.difficult))
      : nearest(box, truth, least, () => true);
    // Found or not, a difficult one does not count.
    if (best?.difficult === true) continue;
    right.push(best !== undefined && !taken.has(best));
    if (best) taken.add(best);
  }
  const wanted = [...truths.values()].flat().filter(({ difficult }) => !difficult).length;
  return { right, wanted };
}

function nearest(box: Box, truth: readonly Truth[], least: number, counts: (one: Truth) => boolean): Truth | undefined {
  let found: Truth | undefined;
  let most = least;
  for (const one of truth) {
    const overlap = counts(one) ? intersectionOverUnion(box, one.box) : -1;
    if (overlap < most || (found && overlap === most)) continue;
    most = overlap;
    found = one;
  }
  return found;
}

export type Area = 'voc07' | 'voc' | 'coco';

/** From precision over recall; NaN where there was nothing to find. */
export function areaOf({ right, wanted }: Judged, kind: Area): number {
  if (wanted === 0) return NaN;
  const recall: number[] = [];
  const precision: number[] = [];
  let hits = 0;
  right.forEach((one, i) => {
    if (one) hits++;
    recall.push(hits / wanted);
    precision.push(hits / (i + 1));
  });
  // The best precision at this recall or a greater one.
  for (let i = precision.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i]!, precision[i + 1]!);
  if (kind === 'voc') {
    return recall.reduce((sum, r, i) => sum + (r - (recall[i - 1] ?? 0)) * precision[i]!, 0);
  }
  const points = kind === 'voc07' ? 11 : 101;
  let sum = 0;
  let at = 0;
  for (let point = 0; point < points; point++) {
    // 3 boxes of 10 are a recall of 0.3, whatever the last bit says.
    while (at < recall.length && recall[at]! < point / (points - 1) - 1e-12) at++;
    sum += precision[at] ?? 0;
  }
  return sum / points;
}
