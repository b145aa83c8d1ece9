/**
 * Labels that are words: the numbers of the classes are learned of the training data, in the order of their names, or of
 * their values where all names are numbers. A list in the model file settles them without learning.
 */
import { dataCorrupt } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import { nearest } from '../diagnostics/nearest';
import type { Location } from '../diagnostics/location';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { Fields, SectionSpec } from '../frontend/spec';
import type { OpenContext } from './define';
import { checkAsked, entryOf, isTexts, type Learned } from './learned';

export interface ClassesEntry extends Fields {
  readonly kind: 'classes';
  readonly names: readonly string[];
}

export const classesEntry = (names: readonly string[]): ClassesEntry => ({ kind: 'classes', names });

/** The names that the training data gave to the classes of an input. */
export function knownClasses(learned: Learned | undefined, input: string): readonly string[] | undefined {
  const names = entryOf(learned, input, 'classes')?.names;
  return isTexts(names) ? names : undefined;
}

/** The names of the classes that so many numbers stand for, where one input of the training data had so many. */
export function classNames(learned: Learned, count: number): readonly string[] | undefined {
  const found = Object.keys(learned).flatMap((input) => {
    const names = knownClasses(learned, input);
    return names?.length === count ? [names] : [];
  });
  return found.length === 1 ? found[0] : undefined;
}

export function sortedClasses(labels: Iterable<string>): string[] {
  const names = [...new Set(labels)];
  const numeric = names.every((name) => /^-?\d+(\.\d+)?$/.test(name));
  return names.sort((a, b) => (numeric ? Number(a) - Number(b) : 0) || (a < b ? -1 : a > b ? 1 : 0));
}

export interface LabelPlace {
  readonly at: Location;
  /** `train.csv:17` of a sample. */
  readonly place: (sample: number) => string;
}

/** The number of every label of the given samples; one that has none is an error where it stands. */
export function numberLabels(labels: readonly string[], names: readonly string[], where: LabelPlace): Int32Array {
  const numbers = new Map(names.map((name, i) => [name, i]));
  return Int32Array.from(labels, (label, sample) => {
    const number = numbers.get(label);
    if (number !== undefined) return number;
    const near = nearest(label, names);
    const known = names.length > 6 ? `${names.slice(0, 6).join(', ')}, …` : names.join(', ');
    throw new SpecError([
      dataCorrupt(
        where.at,
        where.place(sample),
        `there is no class ${JSON.stringify(label)}`,
        near === undefined ? `the classes are ${known}` : `did you mean \`${near}\`?`,
      ),
    ]);
  });
}

/** Equal labels have equal numbers, in the order of their first appearance; for parts that go by class. */
export function groupsOfLabels(labels: readonly string[]): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(labels, (label) => {
    let number = numbers.get(label);
    if (number === undefined) numbers.set(label, (number = numbers.size));
    return number;
  });
}

/** The labels of all samples, numbered as soon as the classes are known: listed, learned before, or learned now. */
export class LabelColumn {
  #names: readonly string[] | undefined;
  #numbers: Int32Array | undefined;
  readonly #where: LabelPlace;

  constructor(
    section: SectionSpec,
    context: Pick<OpenContext, 'learned'>,
    private readonly input: string,
    private readonly labels: readonly string[],
    place: (sample: number) => string,
    field = 'path',
  ) {
    this.#where = { at: section.at([field]), place };
    const known = knownClasses(context.learned, input);
    const listed = section.fields.classes as readonly string[] | undefined;
    const problems: Diagnostic[] = [];
    if (known) checkAsked(section, ['classes'], { classes: known }, problems);
    if (problems.length > 0) throw new SpecError(problems);
    this.#names = known ?? listed;
    if (this.#names) this.#numbers = numberLabels(labels, this.#names, this.#where);
  }

  get isKnown(): boolean {
    return this.#names !== undefined;
  }

  get names(): readonly string[] | undefined {
    return this.#names;
  }

  get groups(): Int32Array {
    return this.#numbers ?? groupsOfLabels(this.labels);
  }

  get learned(): Learned {
    return this.#names ? { [this.input]: classesEntry(this.#names) } : {};
  }

  /** Samples that are not learned from may have other labels as long as nobody reads them. */
  learn(chosen: Uint32Array): void {
    if (this.#names) return;
    this.#names = sortedClasses(Array.from(chosen, (sample) => this.labels[sample]!));
    const numbers = new Map(this.#names.map((name, i) => [name, i]));
    this.#numbers = Int32Array.from(this.labels, (label) => numbers.get(label) ?? -1);
  }

  numberOf(sample: number): number {
    return this.#numbers![sample]!;
  }
}
