/** Objectives share out the losses and the weights of a model: every loss has one, and a weight has one at most. */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { Spec, TrainSpec } from '../frontend/spec';
import { checkPatterns, patternAt } from './check_patterns';
import { matcherOf, pathOf } from './patterns';
import { settingsOf } from './settings';
import type { StateInfo } from './states';

export function checkObjectives(spec: Spec, train: TrainSpec, states: readonly StateInfo[]): Diagnostic[] {
  const { objectives, groups } = train;
  if (objectives.length === 0) return [];
  const known = spec.losses.map(({ name }) => name);
  const parameters = states.filter(({ role }) => role === 'parameter');
  const found = objectives.flatMap(({ losses, parameters: patterns, at }) => [
    ...losses.flatMap((name, i) =>
      known.includes(name) ? [] : [say.unknownReference(patternAt(at, 'losses', losses)(i), name, 'loss', known)],
    ),
    ...checkPatterns(patterns, patternAt(at, 'parameters', patterns), parameters),
  ]);
  if (found.length > 0) return found;
  const used = new Set(objectives.flatMap(({ losses }) => losses));
  for (const loss of spec.losses) {
    if (used.has(loss.name)) continue;
    const problem = `loss \`${loss.name}\` belongs to no objective: nothing makes it small`;
    found.push(say.invalidField(loss.at([]), problem, 'list it in `losses` of an objective'));
  }
  if (!objectives.some(({ every }) => every === 1)) {
    const problem = 'there are steps at which no objective is at work: none has `every: 1`';
    found.push(say.invalidField(objectives[0]!.at(['every']), problem));
  }
  const covers = objectives.map((objective) => matcherOf(objective.parameters));
  const trainable = parameters.filter((info) => !settingsOf(info, groups).frozen);
  for (const [i, objective] of objectives.entries()) {
    const shared = trainable.find(
      (info) => covers.slice(0, i).some((one) => one(pathOf(info))) && covers[i]!(pathOf(info)),
    );
    if (!shared) continue;
    const first = objectives[covers.findIndex((one) => one(pathOf(shared)))]!;
    const problem = `\`${pathOf(shared)}\` belongs to objective \`${first.name}\` already`;
    found.push(say.invalidField(objective.at(['parameters']), problem, 'a weight has one objective at most'));
  }
  const left = trainable.map(pathOf).filter((path) => !covers.some((one) => one(path)));
  if (left.length > 0) found.push(say.untrained(train.at(['objectives']), left));
  return found;
}
