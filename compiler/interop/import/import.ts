/**
 * `dlc import` from end to end: files → draft → model text, checked by the frontend and by lowering → weights, compared
 * with what the model expects. Nothing is written before everything has been found right.
 */
import { weightsMismatch } from '../../diagnostics/catalogue';
import type { Diagnostic } from '../../diagnostics/diagnostic';
import { InternalError, SpecError } from '../../diagnostics/errors';
import type { Learned } from '../../data/learned';
import type { Spec } from '../../frontend/spec';
import { formatType, sameType } from '../../ir/types';
import { modelStates } from '../../train/programs';
import type { WeightTensor } from '../../weights/content';
import { cleanName, type Draft, type Entry } from '../draft';
import { compose } from './compose';
import { readModel } from './index';
import { startOf, type ImportSettings } from './importer';

export interface ImportOptions extends ImportSettings {
  /** The format, where it is not to be told from the files. */
  readonly from?: string;
  /** Finds repeated structures and writes them as blocks. */
  readonly blocks: boolean;
  /** What the model file will be called, without an extension: models inside are files that begin with it. */
  readonly base?: string;
}

export interface Imported {
  readonly format: string;
  readonly text: string;
  readonly spec: Spec;
  /** By the names of the model that was written; empty where the source has none. */
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  /** Models inside of the model, by the names of the files that have to stand beside it. */
  readonly models: ReadonlyMap<string, string>;
  readonly entries: readonly Entry[];
  /** What the source knows of the data that it was trained on: names of classes. */
  readonly learned?: Learned;
  /** What is carried over nearly. */
  readonly warnings: readonly Diagnostic[];
}

export async function importModel(files: readonly string[], options: ImportOptions): Promise<Imported> {
  const draft = await readModel(files, options.from, options);
  try {
    return imported(draft, files[0]!, options);
  } catch (error) {
    if (!(error instanceof SpecError) || draft.models.length === 0) throw error;
    // What is no model by itself may be one in its place.
    return imported(await readModel(files, options.from, { ...options, inPlace: true }), files[0]!, options);
  }
}

function imported(draft: Draft, file: string, { blocks, base = draft.name }: ImportOptions): Imported {
  const { text, spec, tensors, models } = compose(draft, { file, blocks, base: cleanName(base).replaceAll('/', '_') });
  const initial = compareStates(spec, tensors, file);
  return {
    format: draft.format,
    text,
    spec,
    tensors,
    models,
    entries: [...draft.entries, ...initial],
    warnings: draft.problems.all(),
    ...(draft.learned === undefined ? {} : { learned: draft.learned }),
  };
}

/** The model's tensors that the source leaves as they are; a SpecError where one has another shape. */
function compareStates(spec: Spec, tensors: ReadonlyMap<string, WeightTensor>, file: string): Entry[] {
  if (tensors.size === 0) return [];
  const expected = new Map(modelStates(spec).map((state) => [state.name, state]));
  const problems = [...tensors].flatMap(([name, tensor]) => {
    const state = expected.get(name);
    if (state === undefined) throw new InternalError(`the tensor '${name}' belongs to nothing in the model`);
    if (sameType(state, tensor)) return [];
    const message = `the values of \`${name}\` are ${formatType(tensor)}, the model has ${formatType(state)}`;
    return [weightsMismatch(startOf(file), message)];
  });
  if (problems.length > 0) throw new SpecError(problems);
  return [...expected.keys()]
    .filter((name) => !tensors.has(name))
    .map((name) => ({ kind: 'tensor', source: name, fate: 'initial', to: name }));
}
