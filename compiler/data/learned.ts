/**
 * What a data source learns of the training data before the first sample is read: vocabularies, class names, means. It
 * is plain JSON, one entry for each model input, and weight files carry it, so that evaluation and prediction encode
 * what they are given as training did. What comes out of a file may be anybody's: `entryOf` checks before use.
 */
import { dataMismatch, invalidValue } from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { Fields, Json, SectionSpec } from '../frontend/spec';

/** By the name of the model input; every entry has a `kind`. */
export type Learned = Readonly<Record<string, Fields>>;

export const isFields = (value: Json | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isTexts = (value: Json | undefined): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

export const isNumber = (value: Json | undefined): value is number =>
  typeof value === 'number' && Number.isFinite(value);

/** The entry of an input, where it is of this kind. */
export function entryOf(learned: Learned | undefined, input: string, kind: string): Fields | undefined {
  const entry = learned !== undefined && Object.hasOwn(learned, input) ? learned[input] : undefined;
  return isFields(entry) && entry.kind === kind ? entry : undefined;
}

/**
 * Fields that say how data is encoded hold for all sections, as the training data's do: another section may leave them
 * out, or say the same.
 */
export function checkAsked(section: SectionSpec, names: readonly string[], asked: Json, problems: Diagnostic[]): void {
  if (!isFields(asked)) return;
  for (const name of names) {
    const written = section.fields[name];
    if (written === undefined || JSON.stringify(written) === JSON.stringify(asked[name])) continue;
    problems.push(
      invalidValue(
        section.at([name]),
        name,
        'the training data was encoded in another way',
        'leave it out: what the training section says holds everywhere',
      ),
    );
  }
}

/** The fields of a section that `checkAsked` compares others with. */
export function askedOf(section: SectionSpec, names: readonly string[]): Fields {
  return Object.fromEntries(
    names.flatMap((name) => (section.fields[name] === undefined ? [] : [[name, section.fields[name]]])),
  );
}

/** What is said where a section needs what only training data can teach. */
export function notLearned(section: SectionSpec, what: string): Diagnostic {
  return dataMismatch(
    section.at([]),
    `${what} comes from the training data, and the weights hold none of it`,
    [],
    'train the model anew, so that its weights carry what was learned of the data',
  );
}
