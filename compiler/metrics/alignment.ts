/** Edit distance, and how sequences of classes are read from the frames of a recognizer. */

/** Fewest insertions, deletions and substitutions that make `from` into `to` (Levenshtein). */
export function editDistance<T>(from: readonly T[], to: readonly T[]): number {
  const row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 0; i < from.length; i++) {
    let diagonal = row[0]!;
    row[0] = i + 1;
    for (let j = 0; j < to.length; j++) {
      const substituted = diagonal + (from[i] === to[j] ? 0 : 1);
      diagonal = row[j + 1]!;
      row[j + 1] = Math.min(substituted, diagonal + 1, row[j]! + 1);
    }
  }
  return row[to.length]!;
}

/** The best path of a recognizer that was trained with CTC: repetitions merged, then blanks removed. */
export function greedyCtc(frames: readonly number[], blank: number): number[] {
  return frames.filter((token, i) => token !== blank && token !== frames[i - 1]);
}

/** Tokens between separators, each run of them one word. */
export function wordsOf(tokens: readonly number[], space: number): string[] {
  const words: string[] = [];
  let word: number[] = [];
  for (const token of [...tokens, space]) {
    if (token !== space) word.push(token);
    else if (word.length > 0) {
      words.push(word.join(' '));
      word = [];
    }
  }
  return words;
}
