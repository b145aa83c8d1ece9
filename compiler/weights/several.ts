/**
 * The weights of a model from one file or several. Each file is as strict as it says, against the states that it is
 * for; the account of each is told under the names of the model. What no file has is for the caller to judge: training
 * draws it, prediction can't.
 */
import { weightsMismatch } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import type { Learned } from '../data/learned';
import { formatType } from '../ir/types';
import type { Tensors, WeightTensor } from './content';
import { loadWeights, MAX_REPORTED, readLearned, type ExpectedTensor } from './files';
import { sourcesOf, type WeightsFrom, type WeightSource } from './source';

export async function loadStates(
  from: WeightsFrom | undefined,
  expected: readonly ExpectedTensor[],
): Promise<Map<string, WeightTensor>> {
  const tensors = new Map<string, WeightTensor>();
  for (const source of sourcesOf(from))
    for (const [name, tensor] of await loadInto(source, expected)) tensors.set(name, tensor);
  return tensors;
}

/** The same where every state has to come from a file. */
export async function loadAllStates(
  from: WeightsFrom | undefined,
  expected: readonly ExpectedTensor[],
): Promise<Tensors> {
  const sources = sourcesOf(from);
  const tensors = await loadStates(sources, expected);
  const missing = expected.filter(({ name }) => !tensors.has(name));
  const first = sources[0];
  if (missing.length === 0 || first === undefined) return tensors;
  const at = first.at ?? { file: first.file, line: 1, column: 1, length: 1 };
  const files = [...new Set(sources.map(({ file }) => `\`${file}\``))].join(' and ');
  const rest = missing.length - MAX_REPORTED;
  throw new SpecError([
    ...missing
      .slice(0, MAX_REPORTED)
      .map((state) =>
        weightsMismatch(
          at,
          `${files} ${sources.length > 1 ? 'have' : 'has'} nothing for \`${state.name}\`, ${formatType(state)} in the model`,
          'a model predicts with all of its weights: train it, and give the trained ones with --weights FILE',
        ),
      ),
    ...(rest > 0 ? [weightsMismatch(at, `${rest} more of the model have no weights`)] : []),
  ]);
}

async function loadInto(source: WeightSource, expected: readonly ExpectedTensor[]): Promise<Tensors> {
  const { into = '', onLoaded, ...from } = source;
  const own = expected.filter(({ name }) => name.startsWith(into));
  if (into !== '' && own.length === 0) {
    const at = source.at ?? { file: source.file, line: 1, column: 1, length: 1 };
    throw new SpecError([weightsMismatch(at, `no parameter of the model begins with \`${into}\``)]);
  }
  const { tensors, account = [] } = await loadWeights(from, {
    expected: own.map((state) => ({ ...state, name: state.name.slice(into.length) })),
    // A nested model may be a part of what the file was made for.
    more: into !== '',
  });
  onLoaded?.(account.map((line) => (line.target === undefined ? line : { ...line, target: into + line.target })));
  return into === '' ? tensors : new Map([...tensors].map(([name, tensor]) => [into + name, tensor]));
}

/** What the weights know of the data that they were trained on: of the last file of the whole model that knows any. */
export async function learnedOf(from: WeightsFrom | undefined): Promise<Learned | undefined> {
  for (const source of [...sourcesOf(from)].reverse()) {
    if (source.tensorsOnly) continue;
    const learned = await readLearned(source);
    if (learned !== undefined) return learned;
  }
  return undefined;
}
