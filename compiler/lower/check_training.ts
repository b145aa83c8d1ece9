/**
 * What the training section says that the model has to bear out: patterns fit weights, objectives share out losses and
 * weights, figures that are watched exist, and nothing that is written is without effect.
 */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { allLayers, type GroupSpec, type Locate, type Spec, type TrainSpec } from '../frontend/spec';
import { isWhole } from '../frontend/train_parts';
import { figureNames, isEvaluationOnly } from '../metrics/lookup';
import { checkConstraint } from './constrain';
import { checkObjectives } from './check_objectives';
import { checkPatterns, patternAt } from './check_patterns';
import { checkSetup } from './check_setup';
import { isFrozen } from './freeze';
import { pathOf } from './patterns';
import { findStates, fits, settingsOf } from './settings';
import { freezingIn, groupsIn, setupFor } from './stage';
import type { StateInfo } from './states';
import { batchSymbol } from './symbols';

export function checkTraining(spec: Spec): readonly Diagnostic[] {
  const { train } = spec;
  if (!train) return [];
  const found = [
    ...checkMetrics(spec),
    ...checkSetups(spec, train),
    ...checkFigures(spec, train),
    ...checkParts(spec, train),
  ];
  const all = [...train.groups, ...train.phases.flatMap(({ groups }) => groups)];
  const asks = all.length + train.objectives.length + train.phases.filter(({ frozen }) => frozen.length > 0).length;
  const { states, incomplete } = asks > 0 || hasOwnSettings(spec) ? findStates(spec) : { states: [], incomplete: true };
  // Weights of layers that failed are not known: their names would be reported as mistyped.
  if (incomplete) return found;
  found.push(...all.flatMap((group) => checkGroup(group, states)));
  found.push(...checkPhases(spec, train, states), ...checkWeights(spec, train, states));
  return [...found, ...checkObjectives(spec, train, states)];
}

function hasOwnSettings({ layers }: Spec): boolean {
  return allLayers(layers).some(({ fields }) => fields['parameters'] !== undefined);
}

/** Every optimizer with its schedules; one that all others stand in for has no effect. */
function checkSetups(spec: Spec, train: TrainSpec): Diagnostic[] {
  const { phases, objectives } = train;
  const setups = [...phases, ...objectives];
  const found = (setups.length === 0 ? [train] : setups).flatMap((setup) => checkSetup(spec, setup));
  if (setups.length > 0 && setups.every(({ optimizer }) => isWhole(optimizer)) && !isWhole(train.optimizer)) {
    const what = phases.length > 0 ? 'phase' : 'objective';
    const problem = `\`train.optimizer\` has no effect: every ${what} has another one`;
    found.push(say.invalidField(train.at(['optimizer']), problem));
  }
  for (const { optimizer: override } of train.groups) {
    for (const { optimizer } of setups.length === 0 ? [train] : setups) {
      if (!override || override.whole || override.type === optimizer.type) continue;
      const problem = `these are fields of \`${override.type}\`, and the optimizer is \`${optimizer.type}\` here`;
      found.push(
        say.invalidField(override.at([]), problem, 'write another group for it, or another optimizer with `type`'),
      );
    }
  }
  return [...new Map(found.map((diagnostic) => [keyOf(diagnostic), diagnostic])).values()];
}

const keyOf = ({ at, message }: Diagnostic): string => [at.file, at.line, at.column, message].join('\0');

/** Figures that `stop` and `checkpoint.best` go by. */
function checkFigures(spec: Spec, train: TrainSpec): Diagnostic[] {
  const watched: [Locate, string, string, string][] = [];
  const { stop, checkpoint } = train;
  if (stop) watched.push([stop.at, 'metric', stop.metric, '`train.stop`']);
  const at: Locate = (path, part) => train.at(['checkpoint', ...path], part);
  if (checkpoint.best !== undefined) watched.push([at, 'best', checkpoint.best, '`train.checkpoint.best`']);
  const known = figureNames(spec);
  return watched.flatMap(([locate, field, figure, owner]) => {
    if (!spec.data.eval) {
      return [say.invalidField(locate([field]), `${owner} goes by the evaluation, and there is no \`data.eval\``)];
    }
    return known.includes(figure) ? [] : [say.unknownReference(locate([field]), figure, 'figure', known)];
  });
}

/** Metrics that no step computes, where there are steps alone. */
function checkMetrics(spec: Spec): Diagnostic[] {
  if (!spec.data.train || spec.data.eval) return [];
  return spec.metrics.filter(isEvaluationOnly).map((term) => say.neverComputed(term.at([]), term.name));
}

/** A batch that is computed in parts is cut along one axis of each input. */
function checkParts(spec: Spec, train: TrainSpec): Diagnostic[] {
  if (train.accumulate === 1) return [];
  const symbol = batchSymbol(spec);
  return spec.inputs.flatMap(({ name, shape }) => {
    const [first, ...rest] = shape;
    if (first === symbol && symbol !== undefined && !rest.includes(symbol)) return [];
    const problem = `the batch cannot be computed in parts: input \`${name}\` is not cut along its first axis alone`;
    return [say.invalidField(train.at(['accumulate']), problem)];
  });
}

function checkGroup(group: GroupSpec, states: readonly StateInfo[]): Diagnostic[] {
  const { names = [], kinds, at } = group;
  const parameters = states.filter(({ role }) => role === 'parameter');
  const found = checkPatterns(names, patternAt(at, 'names', names), parameters);
  if (found.length > 0 || parameters.some((info) => fits(group, info))) return found;
  return [say.noMatchOfKind(at(['kinds']), kinds ?? [])];
}

const REGULARIZERS = ['l1', 'l2', 'orthogonal'] as const;

function checkPhases(spec: Spec, train: TrainSpec, states: readonly StateInfo[]): Diagnostic[] {
  return train.phases.flatMap((phase) => {
    const { frozen, groups, at } = phase;
    const found = checkPatterns(frozen, patternAt(at, 'frozen', frozen), states);
    for (const { fields, at: groupAt } of groups) {
      for (const field of REGULARIZERS.filter((name) => fields[name] !== undefined)) {
        const problem = `\`${field}\` is part of the loss, which is one for the whole training`;
        found.push(say.invalidField(groupAt([field]), problem, 'move it to `train.groups`'));
      }
    }
    const layers = new Map(allLayers(spec.layers).map((layer) => [layer.name, layer]));
    const freezing = freezingIn(train, phase);
    const learns = (info: StateInfo): boolean =>
      info.role === 'parameter' && !isFrozen(info, layers.get(info.layer), freezing);
    if (frozen.length > 0 && found.length === 0 && !states.some(learns)) {
      found.push(say.invalidField(at(['frozen']), `phase \`${phase.name}\` leaves nothing to learn`));
    }
    return found;
  });
}

/** Settings of single weights, by their layers or by groups. */
function checkWeights(spec: Spec, train: TrainSpec, states: readonly StateInfo[]): Diagnostic[] {
  const phases = train.phases.length === 0 ? [undefined] : train.phases;
  const found = new Map<string, Diagnostic>();
  const report = (diagnostic: Diagnostic | undefined): void => {
    if (diagnostic && !found.has(keyOf(diagnostic))) found.set(keyOf(diagnostic), diagnostic);
  };
  for (const info of states) {
    if (info.role !== 'parameter') continue;
    const path = pathOf(info);
    for (const phase of phases) {
      const settings = settingsOf(info, groupsIn(train, phase));
      const { constraint } = settings;
      if (constraint) report(checkConstraint(constraint, path, info.value.type.shape.length));
      if (settings.optimizer.length === 0) continue;
      const bases = train.objectives.length > 0 ? train.objectives : [phase ?? train];
      for (const base of bases) checkSetup(spec, setupFor(base, settings)).forEach(report);
    }
    const idle = [...REGULARIZERS, 'constraint'].find((field) => info.frozen && Object.hasOwn(info.own, field));
    if (idle !== undefined) {
      report(say.invalidField(info.ownAt(idle), `\`${idle}\` has no effect: \`${path}\` is frozen`));
    }
  }
  return [...found.values()];
}
