/**
 * Names of classes: the label maps of detectors (`item { name label display_name }`) and lists with a name on each line,
 * as for ImageNet (`n01440764 tench, Tinca tinca`). They go with the weights, where `dlc predict --show` finds them.
 */
import { classesEntry } from '../../../data/classes';
import { importUnsupported } from '../../../diagnostics/catalogue';
import { SpecError } from '../../../diagnostics/errors';
import { Collector } from '../../../diagnostics/collector';
import { Fields } from '../../formats/caffe/fields';
import { isMessage, type TextMessage } from '../../formats/caffe/text';
import type { Draft } from '../../draft';

export interface ClassNames {
  readonly path: string;
  /** By number; one that nothing names is empty. */
  readonly names: readonly string[];
}

/** No net tells more classes apart. */
const MOST_CLASSES = 1_000_000;
/** More names than this are for the weights alone. */
const MOST_SHOWN = 30;

const baseName = (file: string): string => file.replace(/^.*[/\\]/, '');

/** What a message of Caffe looks like. */
const MESSAGE = /^\s*\w+\s*(?::|\{)/m;

/** A list of names, one on each line, by its own name and by not being a message. */
export function isNameList(path: string, text: string): boolean {
  return /\.names$|(?:label|class|synset|categor)[^/\\]*\.txt$/i.test(path) && !MESSAGE.test(text);
}

/** What a line names: without the number of WordNet in front. */
export const named = (line: string): string => line.trim().replace(/^n\d{8}\s+/, '');

export function classNamesIn(path: string, message: TextMessage): ClassNames {
  const problems = new Collector();
  const names: string[] = [];
  for (const { name, value } of message.fields) {
    if (name !== 'item' || !isMessage(value)) continue;
    const item = new Fields(value, problems);
    const label = item.number('label') ?? item.number('id') ?? names.length;
    if (!Number.isInteger(label) || label < 0 || label >= MOST_CLASSES)
      throw new SpecError([importUnsupported(item.placeOf('label'), `${label} is no number of a class`)]);
    names[label] = item.text('display_name') ?? item.text('name') ?? '';
  }
  problems.throwIfErrors();
  return { path, names: Array.from(names, (name) => name ?? '') };
}

/** Puts the names into the draft and the account; `wanted` are the label maps that the net asks for. */
export function tellClasses(
  draft: Draft,
  labels: readonly ClassNames[],
  wanted: readonly string[],
  hasWeights: boolean,
): void {
  const [first, ...others] = labels;
  const setting = (source: string, reason: string | undefined, to?: string): void =>
    draft.account({
      kind: 'setting',
      source,
      ...(reason === undefined ? { fate: 'mapped' } : { fate: 'dropped', reason }),
      ...(to === undefined ? {} : { to }),
    });
  for (const { path } of others)
    setting(`classes in ${path}`, `the classes are those of ${first!.path}; a model has one list of them`);
  if (first !== undefined) {
    const { path, names } = first;
    const shown = names.slice(0, MOST_SHOWN).map((name) => (name === '' ? '?' : name));
    draft.remarks.push(`Classes, from 0: ${shown.join(', ')}${names.length > MOST_SHOWN ? ', …' : ''}.`);
    const input = draft.inputs.find(({ dtype, shape }) => dtype === 'i32' && shape.length <= 2)?.name ?? 'label';
    draft.learned = { [input]: classesEntry(names) };
    setting(
      `${names.length} classes in ${path}`,
      undefined,
      hasWeights ? 'names in the weights' : 'a remark in the model',
    );
  }
  for (const file of new Set(wanted))
    if (!labels.some(({ path }) => baseName(path) === baseName(file)))
      setting(`label_map_file: ${file}`, 'the file was not given; with it the classes have names');
}
