/** Did-you-mean: the known word nearest to a mistyped one. */
import { simplify } from './names/index';
import { synonymOf } from './synonyms';

/** Edits (insert, delete, replace, swap neighbours) between two words, or `limit + 1` when there are more than `limit`. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least > limit) return limit + 1;
    before = above;
    above = row;
  }
  return Math.min(above[b.length]!, limit + 1);
}

/** `nn.Linear`, `keras.layers.Dense`: the name without where it is from, and without how it is spelled. */
export function plainName(word: string): string {
  return simplify(word.replace(/^(nn|F|torch|optim|keras|tf|layers)\.(.*\.)?/, ''));
}

/** The known word that another framework's `word` stands for. */
export function foreign(word: string, known: readonly string[]): string | undefined {
  return word.length > 100 ? undefined : synonymOf(plainName(word), known);
}

/** The known word that differs in its case and underscores alone. */
export function respelled(word: string, known: readonly string[]): string | undefined {
  const plain = plainName(word);
  return known.find((candidate) => candidate !== word && simplify(candidate) === plain);
}

/** The known word that `word` is beyond doubt, spelled as elsewhere: what it says of fields can be held against it. */
export function sameAs(word: string, known: readonly string[]): string | undefined {
  return respelled(word, known) ?? foreign(word, known);
}

/** The known word that `word` was probably meant to be; undefined where none is near. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > 100) return undefined;
  const words = [...known];
  const meant = sameAs(word, words);
  if (meant !== undefined) return meant;
  const plain = plainName(word);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(plain.length / 3)) + 1;
  for (const candidate of words) {
    if (candidate === word) continue;
    const distance = editDistance(plain, simplify(candidate), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
