/**
 * What the training section says that the model has to bear out: patterns fit weights, objectives share out losses and
 * weights, figures that are watched exist, and nothing that is written is without effect.
 */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { Fields, Locate, PhaseSpec, Spec, TrainSpec } from '../frontend/spec';
import { isWhole } from '../frontend/train_parts';
import { figureNames, isEvaluationOnly } from '../metrics/lookup';
import { checkConstraint } from './constrain';
import { checkGroups, NOT_DECAYED } from './check_groups';
import { checkLengths } from './check_lengths';
import { checkObjectives } from './check_objectives';
import { checkPatterns, patternAt } from './check_patterns';
import { checkSetup } from './check_setup';
import { pathOf } from './patterns';
import { findStates, settingsOf } from './settings';
import { frozenIn, groupsIn, isDecayed, setupFor } from './stage';
import type { StateInfo } from './states';
import { batchSymbol } from './symbols';

export function checkTraining(spec: Spec): readonly Diagnostic[] {
  const { train } = spec;
  if (!train) return [];
  const found = [
    ...checkLengths(spec, train),
    ...checkMetrics(spec),
    ...checkEvaluate(spec, train),
    ...checkSetups(spec, train),
    ...checkFigures(spec, train),
    ...checkParts(spec, train),
  ];
  const { states, incomplete } = findStates(spec);
  // Weights of layers that failed are not known: their names would be reported as mistyped.
  if (incomplete) return found;
  found.push(
    ...checkGroups(spec, train, states),
    ...checkPhases(spec, train, states),
    ...checkWeights(spec, train, states),
  );
  return [...found, ...checkObjectives(spec, train, states)];
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

/** Settings of evaluations, likewise. */
function checkEvaluate(spec: Spec, train: TrainSpec): Diagnostic[] {
  if (!spec.data.train || spec.data.eval) return [];
  if ((spec.resolved['train'] as Fields | undefined)?.['evaluate'] === undefined) return [];
  return [say.noEffect(train.at(['evaluate']), '`evaluate` has no effect: there is no `data.eval`')];
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

const REGULARIZERS = ['l1', 'l2', 'orthogonal'] as const;

function checkPhases(spec: Spec, train: TrainSpec, states: readonly StateInfo[]): Diagnostic[] {
  const found = train.phases.flatMap(({ frozen, groups, at }) => [
    ...checkPatterns(frozen, patternAt(at, 'frozen', frozen), states),
    ...groups.flatMap(({ fields, at: groupAt }) =>
      REGULARIZERS.filter((name) => fields[name] !== undefined).map((field) => {
        const problem = `\`${field}\` is part of the loss, which is one for the whole training`;
        return say.invalidField(groupAt([field]), problem, 'move it to `train.groups`');
      }),
    ),
  ]);
  return [...found, ...checkLearning(spec, train, states)];
}

/** Every phase, or the training, has a weight to change; a model of buffers alone changes those. */
function checkLearning(spec: Spec, train: TrainSpec, states: readonly StateInfo[]): Diagnostic[] {
  const parameters = states.filter(({ role }) => role === 'parameter');
  if (parameters.length === 0 && states.length > 0) return [];
  const learns = (phase?: PhaseSpec): boolean => !parameters.every(frozenIn(spec, train, phase));
  if (train.phases.length === 0) {
    if (learns()) return [];
    const problem = parameters.length === 0 ? 'the model has no weights' : 'every weight is frozen';
    return [say.invalidField(train.at([]), `there is nothing to learn: ${problem}`)];
  }
  return train.phases
    .filter((phase) => !learns(phase))
    .map(({ name, at }) => say.invalidField(at(['frozen']), `phase \`${name}\` leaves nothing to learn`));
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
    if (info.own['decay'] && !info.frozen && !phases.some((phase) => isDecayed(train, phase, info))) {
      report(say.noEffect(info.ownAt('decay'), `\`decay\` has no effect: ${NOT_DECAYED}`));
    }
    const idle = ['lr', 'decay', ...REGULARIZERS, 'constraint'].find((field) => info.frozen && info.own[field]);
    if (idle !== undefined) {
      report(say.invalidField(info.ownAt(idle), `\`${idle}\` has no effect: \`${path}\` is frozen`));
    }
  }
  return [...found.values()];
}
