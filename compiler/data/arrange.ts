/**
 * What all data sources have in common once they are open: which part of the samples a section takes, how many of them,
 * what is learned of exactly these, and how often training draws each. Sources themselves always serve everything.
 */
import { conflictingFields, dataMismatch, invalidValue } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import type { Fields, Json, SectionSpec } from '../frontend/spec';
import type { Dataset, OpenContext } from './define';
import { isFields, isNumber, notLearned } from './learned';
import { drawsOf, orderOf } from './sampler';

/** The samples of the section, learned from and in the order it asks for. */
export async function arrange(section: SectionSpec, dataset: Dataset, context: OpenContext): Promise<Dataset> {
  const chosen = chooseSamples(section, dataset);
  if (chosen.length === 0) {
    throw new SpecError([dataMismatch(section.at(['split']), 'no sample is in this part of the data', [])]);
  }
  if (dataset.learn) {
    if (context.mode !== 'train') throw new SpecError([notLearned(section, dataset.learns ?? 'the encoding')]);
    await dataset.learn(chosen);
  }
  const whole = chosen.length === dataset.size && chosen.every((index, i) => index === i);
  return sampled(section, whole ? dataset : subset(dataset, chosen), context);
}

function chooseSamples(section: SectionSpec, dataset: Dataset): Uint32Array {
  const { split, limit } = section.fields as { readonly split?: Fields; readonly limit?: number };
  const all = split === undefined ? orderOf(dataset.size, KEEP) : partOf(section, split, dataset);
  return limit === undefined ? all : all.subarray(0, limit);
}

const KEEP = { seed: 0, epoch: 0, shuffle: false } as const;

/** The samples of a part, in the order of the data. */
function partOf(section: SectionSpec, split: Fields, dataset: Dataset): Uint32Array {
  const {
    from = 0,
    to = 1,
    seed = 0,
    order = 'shuffled',
    stratified = false,
  } = split as {
    readonly from?: number;
    readonly to?: number;
    readonly seed?: number;
    readonly order?: 'shuffled' | 'given';
    readonly stratified?: boolean;
  };
  if (from >= to) {
    throw new SpecError([invalidValue(section.at(['split']), 'split', `\`from\` ${from} is not below \`to\` ${to}`)]);
  }
  if (order === 'given' && split.seed !== undefined) {
    throw new SpecError([conflictingFields(section.at(['split']), ['order', 'seed'], 'contradict each other')]);
  }
  const lines = orderOf(dataset.size, { seed, epoch: 0, shuffle: order === 'shuffled' });
  const groups = stratified ? groupsOf(section, ['split', 'stratified'], dataset, lines) : [lines];
  const part = groups.flatMap((group) => {
    const [first, end] = [from, to].map((share) => Math.round(share * group.length));
    return Array.from(group.subarray(first, end));
  });
  return Uint32Array.from(part).sort();
}

/** The given samples class by class, each class in the given order. */
function groupsOf(
  section: SectionSpec,
  field: readonly string[],
  dataset: Dataset,
  samples: Uint32Array,
): Uint32Array[] {
  const { groups } = dataset;
  if (!groups) {
    throw new SpecError([
      dataMismatch(section.at(field), 'the data has no classes to go by', [], 'it takes labels that go to an input'),
    ]);
  }
  const found = new Map<number, number[]>();
  for (const sample of samples) {
    const group = groups[sample]!;
    const members = found.get(group);
    if (members) members.push(sample);
    else found.set(group, [sample]);
  }
  return [...found.entries()].sort(([a], [b]) => a - b).map(([, members]) => Uint32Array.from(members));
}

/** Some samples of a dataset, numbered anew. */
export function subset(dataset: Dataset, samples: Uint32Array): Dataset {
  const { groups } = dataset;
  return {
    size: samples.length,
    fields: dataset.fields,
    shuffle: dataset.shuffle,
    get learned() {
      return dataset.learned;
    },
    get classes() {
      return dataset.classes;
    },
    ...(groups ? { groups: Int32Array.from(samples, (sample) => groups[sample]!) } : {}),
    read: (indices, how, into) =>
      dataset.read(
        Uint32Array.from(indices, (index) => samples[index]!),
        how,
        into,
      ),
    close: () => dataset.close(),
  };
}

/** The same samples, drawn in training with other chances than once each. */
function sampled(section: SectionSpec, dataset: Dataset, context: OpenContext): Dataset {
  const sampling = section.fields.sampling;
  if (sampling === undefined) return dataset;
  if (section.fields.shuffle === false) {
    throw new SpecError([
      conflictingFields(section.at(['sampling']), ['sampling', 'shuffle'], 'contradict each other'),
    ]);
  }
  const members = groupsOf(section, ['sampling'], dataset, orderOf(dataset.size, KEEP));
  const { groups } = dataset;
  const byGroup = new Map(
    members.map((samples) => [groups![samples[0]!]!, chanceOf(section, sampling, dataset, samples, groups!)]),
  );
  if (context.mode !== 'train') return dataset;
  const chances = Float64Array.from({ length: dataset.size }, (_, i) => byGroup.get(groups![i]!)!);
  if (!chances.some((chance) => chance > 0)) {
    throw new SpecError([invalidValue(section.at(['sampling']), 'sampling', 'no class is ever drawn')]);
  }
  return { ...plain(dataset), order: (seed, epoch) => drawsOf(chances, { seed, epoch }) };
}

function chanceOf(
  section: SectionSpec,
  sampling: Json,
  dataset: Dataset,
  samples: Uint32Array,
  groups: ArrayLike<number>,
): number {
  if (!isFields(sampling)) return 1 / samples.length;
  const group = groups[samples[0]!]!;
  const name = dataset.classes?.[group] ?? String(group);
  for (const known of Object.keys(sampling)) {
    if (dataset.classes ? dataset.classes.includes(known) : /^\d+$/.test(known)) continue;
    throw new SpecError([
      invalidValue(section.at(['sampling', known]), 'sampling', `the data has no class \`${known}\``),
    ]);
  }
  const weight = sampling[name];
  return isNumber(weight) ? weight : 1;
}

/** A copy whose members can be laid over; what is computed late is computed by now. */
function plain(dataset: Dataset): Dataset {
  const { size, fields, shuffle, learned, classes, groups } = dataset;
  return {
    ...{ size, fields, shuffle },
    ...(learned ? { learned } : {}),
    ...(classes ? { classes } : {}),
    ...(groups ? { groups } : {}),
    read: (indices, how, into) => dataset.read(indices, how, into),
    close: () => dataset.close(),
  };
}
