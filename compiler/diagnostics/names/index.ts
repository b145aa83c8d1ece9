/** The names of other frameworks, by the kind of word, and our words for one of them. */
import type { Names } from './define';
import { FIELD_NAMES, INSTEAD } from './fields';
import { LAYER_NAMES } from './layers';
import { INITIALIZER_NAMES, LOSS_NAMES, METRIC_NAMES, OPTIMIZER_NAMES, SCHEDULE_NAMES } from './training';

export const NAMES = {
  layers: LAYER_NAMES,
  losses: LOSS_NAMES,
  metrics: METRIC_NAMES,
  optimizers: OPTIMIZER_NAMES,
  schedules: SCHEDULE_NAMES,
  initializers: INITIALIZER_NAMES,
} as const satisfies Readonly<Record<string, readonly Names[]>>;

/** `Conv2D`, `conv-2d` and `conv_2d` are the same word to a reader. */
export function simplify(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '');
}

let table: ReadonlyMap<string, readonly string[]> | undefined;

/** Our words, of any kind, for a simplified word of another framework. Made when the first word is unknown. */
export function wordsFor(plainWord: string): readonly string[] {
  table ??= makeTable();
  return table.get(plainWord) ?? [];
}

function makeTable(): ReadonlyMap<string, readonly string[]> {
  const made = new Map<string, string[]>();
  for (const { ours, caffe, keras, pytorch } of [...Object.values(NAMES).flat(), ...FIELD_NAMES]) {
    for (const name of [...caffe, ...keras, ...pytorch]) {
      const plain = simplify(name);
      const before = made.get(plain) ?? [];
      made.set(plain, [...before, ...ours.filter((word) => !before.includes(word))]);
    }
  }
  return made;
}

let others: ReadonlyMap<string, string> | undefined;

/** What is written in place of a field of another framework; the first line of the table that has it. */
export function insteadOf(plainWord: string): string | undefined {
  others ??= new Map(
    [...INSTEAD]
      .reverse()
      .flatMap(({ write, caffe, keras, pytorch }) =>
        [...caffe, ...keras, ...pytorch].map((name) => [simplify(name), write]),
      ),
  );
  return others.get(plainWord);
}
