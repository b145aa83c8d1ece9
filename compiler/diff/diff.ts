/**
 * The difference between two models in what they mean: their expanded layers, shapes and costs, every other section, and
 * which weights of the first still fit the second. Comments, the order of keys and how blocks are cut do not show.
 */
import { batchOf } from '../check';
import type { Fields, Json, Spec } from '../frontend/spec';
import { formatShape } from '../lower/problems';
import { summarize, type ModelSummary } from '../lower/summary';
import { modelStates } from '../train/programs';
import { plannedMemory } from '../train/memory';
import { matchLayers, plainLayers, translate, translated, type Plain, type Renaming } from './match';
import { changesOf, type Change } from './values';

export interface ChangedLayer {
  /** In the first model. */
  readonly name: string;
  /** In the second model, where it is another. */
  readonly renamed?: string;
  /** Type, inputs, fields, and `outputs` where the shapes at batch 1 differ. */
  readonly changes: readonly Change[];
}

export interface Figure {
  readonly before: number;
  readonly after: number;
}

export interface WeightTransfer {
  /** Names in the first model; with the name in the second where it is another. */
  readonly kept: readonly string[];
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  readonly reshaped: readonly { readonly name: string; readonly was: string; readonly is: string }[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export interface ModelDiff {
  readonly same: boolean;
  readonly layers: {
    readonly added: readonly { readonly name: string; readonly type: string }[];
    readonly removed: readonly { readonly name: string; readonly type: string }[];
    readonly changed: readonly ChangedLayer[];
  };
  /** Everything but the layers: inputs, outputs, losses, data, training, …. */
  readonly sections: readonly Change[];
  /** Planned bytes at the batch size of each model. */
  readonly figures: Readonly<Record<'params' | 'flops' | 'predict_bytes', Figure>> & {
    readonly train_bytes?: Figure;
  };
  readonly weights: WeightTransfer;
}

export function diffModels(before: Spec, after: Spec): ModelDiff {
  const [first, second] = [plainLayers(before), plainLayers(after)];
  const renaming = matchLayers(first, second);
  const [was, is] = [summarize(before, 1), summarize(after, 1)];
  const matched = new Set(renaming.values());
  const plain = ({ name, type }: Plain) => ({ name, type });
  const layers = {
    added: second.filter(({ name }) => !matched.has(name)).map(plain),
    removed: first.filter(({ name }) => !renaming.has(name)).map(plain),
    changed: changedLayers(first, second, renaming, [was, is]),
  };
  const sections = changedSections(before, after, renaming);
  const same = [layers.added, layers.removed, layers.changed, sections].every(({ length }) => length === 0);
  return {
    same,
    layers,
    sections,
    figures: figuresOf(before, after, was, is),
    weights: transfer(before, after, renaming),
  };
}

function changedLayers(
  before: readonly Plain[],
  after: readonly Plain[],
  renaming: Renaming,
  [was, is]: readonly [ModelSummary, ModelSummary],
): ChangedLayer[] {
  const byName = new Map(after.map((layer) => [layer.name, layer]));
  const shapesIn = ({ layers }: ModelSummary): ReadonlyMap<string, Json> =>
    new Map(layers.map(({ name, outputs }) => [name, outputs.map(formatShape).join(' ')]));
  const [shapesBefore, shapesAfter] = [shapesIn(was), shapesIn(is)];
  return before.flatMap((layer) => {
    const name = renaming.get(layer.name);
    const other = name === undefined ? undefined : byName.get(name);
    if (name === undefined || other === undefined) return [];
    const now = translated(layer, renaming);
    const changes = [
      ...changesOf(now.type, other.type, 'type'),
      ...changesOf(namesOf(now), namesOf(other), 'inputs'),
      ...(now.type === other.type ? changesOf(now.fields, other.fields) : []),
      ...changesOf(shapesBefore.get(layer.name), shapesAfter.get(name), 'outputs'),
    ];
    const renamed = name === layer.name ? {} : { renamed: name };
    return changes.length === 0 && name === layer.name ? [] : [{ name: layer.name, ...renamed, changes }];
  });
}

const namesOf = ({ inputs }: Plain): Json => [...inputs];

/** Comments to the reader, and what is compared by itself. */
const ASIDE = new Set(['dlc', 'description', 'layers']);

function changedSections(before: Spec, after: Spec, renaming: Renaming): Change[] {
  const [was, is] = [sectionsOf(before, renaming), sectionsOf(after, new Map())];
  return changesOf(was, is);
}

/** Losses and metrics by name, references as the second model says them. */
function sectionsOf({ resolved, losses, metrics, outputs }: Spec, renaming: Renaming): Fields {
  const references = (names: readonly string[]): string[] => names.map((name) => translate(name, renaming));
  const terms = (list: Spec['losses']): Fields =>
    Object.fromEntries(
      list.map(({ name, type, inputs, weight, fields }) => [
        name,
        { type, inputs: references(inputs), ...(weight === 1 ? {} : { weight }), ...fields },
      ]),
    );
  const others = Object.entries(resolved).filter(([name]) => !ASIDE.has(name));
  return {
    ...Object.fromEntries(others),
    outputs: references(outputs),
    ...(losses.length === 0 ? {} : { losses: terms(losses) }),
    ...(metrics.length === 0 ? {} : { metrics: terms(metrics) }),
  };
}

function figuresOf(before: Spec, after: Spec, was: ModelSummary, is: ModelSummary): ModelDiff['figures'] {
  const bytes = (mode: 'train' | 'predict'): Figure => ({
    before: plannedMemory(before, mode, batchOf(before)),
    after: plannedMemory(after, mode, batchOf(after)),
  });
  const trained = [before, after].every(({ train, losses }) => train !== undefined && losses.length > 0);
  return {
    params: { before: was.params, after: is.params },
    flops: { before: was.flops, after: is.flops },
    predict_bytes: bytes('predict'),
    ...(trained ? { train_bytes: bytes('train') } : {}),
  };
}

function transfer(before: Spec, after: Spec, renaming: Renaming): WeightTransfer {
  const old = modelStates(before);
  const fresh = new Map(modelStates(after).map((state) => [state.name, state]));
  const kept: string[] = [];
  const renamed: { from: string; to: string }[] = [];
  const reshaped: { name: string; was: string; is: string }[] = [];
  const removed: string[] = [];
  for (const { name, dtype, shape } of old) {
    const to = translate(name, renaming);
    const state = fresh.get(to);
    if (!state) {
      removed.push(name);
      continue;
    }
    fresh.delete(to);
    const [was, is] = [`${dtype}${formatShape(shape)}`, `${state.dtype}${formatShape(state.shape)}`];
    if (was !== is) reshaped.push({ name, was, is });
    else if (to === name) kept.push(name);
    else renamed.push({ from: name, to });
  }
  return { kept, renamed, reshaped, added: [...fresh.keys()], removed };
}
