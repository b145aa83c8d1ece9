/** What a detector has found, as lines of text: the class, how sure, and where. */
import { entryOf, isTexts, type Learned } from '../../compiler/data/learned';
import type { NpyArray } from '../../compiler/data/npy';
import { elementCount } from '../../compiler/ir/types';

/** Less sure than this is not worth a line. */
const LEAST_SCORE = 0.3;
const MOST_LINES = 12;

/**
 * Sample `index` of rows [n, found, 6] of class, score, x1, y1, x2, y2, the best first and −1 as the class behind the
 * last; undefined for other arrays.
 */
export function detectionLines({ data, shape }: NpyArray, index: number, learned: Learned): string[] | undefined {
  if (shape.length !== 3 || shape[2] !== 6) return undefined;
  const size = elementCount(shape.slice(1));
  const values = Array.from(data.subarray(index * size, (index + 1) * size), Number);
  const rows = Array.from({ length: size / 6 }, (_, i) => values.slice(6 * i, 6 * i + 6));
  const isRow = ([label = NaN, score = NaN]: readonly number[], i: number): boolean =>
    Number.isInteger(label) && label >= -1 && score <= (rows[i - 1]?.[1] ?? Infinity);
  if (!rows.every(isRow)) return undefined;
  const found = rows.filter(([label = -1, score = 0]) => label >= 0 && score >= LEAST_SCORE);
  const names = namesOf(learned);
  const lines = found.slice(0, MOST_LINES).map(([label = -1, score = 0, ...box]) => {
    const sides = box.map((side) => side.toFixed(3)).join(' ');
    return `${names?.[label] ?? label} (${(100 * score).toFixed(1)} %)  ${sides}`;
  });
  if (found.length === 0) return ['nothing'];
  return found.length > MOST_LINES ? [...lines, `and ${found.length - MOST_LINES} more`] : lines;
}

/** The class names of the only input that has some. */
function namesOf(learned: Learned): readonly string[] | undefined {
  const all = Object.keys(learned).flatMap((input) => {
    const names = entryOf(learned, input, 'classes')?.names;
    return isTexts(names) ? [names] : [];
  });
  return all.length === 1 ? all[0] : undefined;
}
