/** Groups of weights: their patterns fit some, and what they say of them has an effect on one at least. */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { GroupSpec, PhaseSpec, Spec, TrainSpec } from '../frontend/spec';
import { checkPatterns, patternAt } from './check_patterns';
import { fits } from './settings';
import { frozenIn, groupsIn, isDecayed } from './stage';
import type { StateInfo } from './states';

const OVERRULED = 'for all weights that it is for, later groups or their layers say otherwise';
export const NOT_DECAYED = 'the optimizer has neither `weight_decay` nor `l1`';

export function checkGroups(spec: Spec, train: TrainSpec, states: readonly StateInfo[]): Diagnostic[] {
  const phases = train.phases.length === 0 ? [undefined] : train.phases;
  const parameters = states.filter(({ role }) => role === 'parameter');
  const check = (group: GroupSpec, within: readonly (PhaseSpec | undefined)[]): Diagnostic[] => {
    const unknown = checkPatterns(group.names ?? [], patternAt(group.at, 'names', group.names ?? []), parameters);
    if (unknown.length > 0) return unknown;
    const fitting = parameters.filter((info) => fits(group, info));
    if (fitting.length === 0) return [say.noMatchOfKind(group.at(['kinds']), group.kinds ?? [])];
    const said = [...Object.keys(group.fields), ...(group.optimizer ? ['optimizer'] : [])];
    return said.flatMap((field) => {
      // What is not to happen does not happen.
      if (group.fields[field] === 0 || group.fields[field] === false) return [];
      const learning = within.flatMap((phase) => {
        const isFrozen = frozenIn(spec, train, phase);
        const later = groupsIn(train, phase);
        const wins = (info: StateInfo): boolean => !isOverruled(field, info, later.slice(later.indexOf(group) + 1));
        const free = fitting.filter((info) => field === 'frozen' || !isFrozen(info));
        return free.map((info) => {
          if (!wins(info)) return OVERRULED;
          return field === 'decay' && !isDecayed(train, phase, info) ? NOT_DECAYED : undefined;
        });
      });
      if (learning.includes(undefined)) return [];
      const why = learning[0] ?? 'the weights that it is for are frozen';
      return [say.noEffect(group.at([field]), `\`${field}\` has no effect: ${why}`)];
    });
  };
  return [
    ...train.groups.flatMap((group) => check(group, phases)),
    ...train.phases.flatMap((phase) => phase.groups.flatMap((group) => check(group, [phase]))),
  ];
}

function isOverruled(field: string, info: StateInfo, later: readonly GroupSpec[]): boolean {
  const fitting = later.filter((group) => fits(group, info));
  if (field === 'optimizer') return fitting.some(({ optimizer }) => optimizer?.whole === true);
  return info.own[field] !== undefined || fitting.some(({ fields }) => fields[field] !== undefined);
}
