/**
 * What holds for one weight in training: its layer's word, over the groups that fit it, the later over the earlier, over
 * the defaults. And which weights there are, by a first lowering that nothing else is asked of.
 */
import type { GroupSpec, Json, OptimizerOverride, Spec } from '../frontend/spec';
import type { Location } from '../diagnostics/location';
import { RNG } from '../ops/families/drawing';
import { ModelLowering } from './model';
import { matcherOf, pathOf } from './patterns';
import type { StateInfo } from './states';

export interface ParameterSettings {
  /** Factor on the learning rate. */
  readonly lr: number;
  /** Factor on the weight decay. */
  readonly decay: number;
  readonly frozen: boolean;
  readonly l1: number;
  readonly l2: number;
  readonly orthogonal: number;
  /** As written: a word, or a mapping with a `type`. */
  readonly constraint?: { readonly written: Json; readonly at: (path: readonly string[]) => Location };
  /** In order; the last wins. */
  readonly optimizer: readonly OptimizerOverride[];
}

export function fits(group: GroupSpec, info: StateInfo): boolean {
  const { names, kinds } = group;
  if (info.role !== 'parameter' || (kinds && !kinds.includes(info.kind))) return false;
  return names === undefined || matcherOf(names)(pathOf(info));
}

export function settingsOf(info: StateInfo, groups: readonly GroupSpec[]): ParameterSettings {
  const fitting = groups.filter((group) => fits(group, info));
  const said: Record<string, Json> = { lr: 1, decay: info.decay };
  for (const fields of [...fitting.map((group) => group.fields), info.own]) Object.assign(said, fields);
  const number = (name: string): number => {
    const value = said[name];
    return typeof value === 'number' ? value : value === true ? 1 : 0;
  };
  const constraint = said['constraint'];
  const by = fitting.findLast(({ fields }) => fields['constraint'] !== undefined);
  const at = (path: readonly string[]): Location =>
    info.own['constraint'] !== undefined || !by ? info.ownAt('constraint') : by.at(['constraint', ...path]);
  return {
    lr: number('lr'),
    decay: number('decay'),
    frozen: info.own['frozen'] === undefined ? said['frozen'] === true || info.frozen : info.frozen,
    l1: number('l1'),
    l2: number('l2'),
    orthogonal: number('orthogonal'),
    ...(constraint === undefined ? {} : { constraint: { written: constraint, at } }),
    optimizer: fitting.flatMap(({ optimizer }) => (optimizer ? [optimizer] : [])),
  };
}

interface Found {
  readonly states: readonly StateInfo[];
  /** The model has mistakes, and there may be more. */
  readonly incomplete: boolean;
}

const known = new WeakMap<Spec, Found>();

/** Parameters and buffers of the model as it is trained. */
export function statesOf(spec: Spec): readonly StateInfo[] {
  return findStates(spec).states;
}

export function findStates(spec: Spec): Found {
  let found = known.get(spec);
  if (!found) {
    const batch = spec.train?.batchSize ?? 1;
    const model = new ModelLowering(spec, { batch, mode: 'train', everyLayer: true, ownInputs: { rng: RNG } });
    model.lowerLayers([]);
    found = { states: [...model.parameters.infos.values()], incomplete: model.problems.hasErrors };
    known.set(spec, found);
  }
  return found;
}
