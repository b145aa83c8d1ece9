/**
 * A stage of the training: what all steps of one kind have in common. A kind is a phase and the objectives that are at
 * work; which kind a step is follows from its number, and each kind is a program of its own.
 */
import {
  allLayers,
  type ClipSpec,
  type GroupSpec,
  type ObjectiveSpec,
  type PhaseSpec,
  type SectionSpec,
  type Spec,
  type TermSpec,
  type TrainSpec,
} from '../frontend/spec';
import { overridden } from '../frontend/train_parts';
import { freeze, isFrozen, type Freezing } from './freeze';
import { matcherOf, type Matcher } from './patterns';
import { settingsOf, type ParameterSettings } from './settings';
import type { StateInfo } from './states';
import type { OptimizerSetup } from './updates';

export interface StepKind {
  /** Position among the phases; 0 where there are none. */
  readonly phase: number;
  /** Positions of the objectives at work, in order; `[0]` where there are none. */
  readonly objectives: readonly number[];
}

export interface Objective {
  /** Absent where the training has no objectives. */
  readonly spec?: ObjectiveSpec;
  readonly losses: readonly TermSpec[];
  readonly covers: Matcher;
  readonly setup: OptimizerSetup;
  readonly clip?: ClipSpec;
  readonly every: number;
  /** Position among the objectives, or that of the phase. */
  readonly owner: number;
}

export interface Stage {
  readonly kind: StepKind;
  /** The model with what is frozen in it. */
  readonly spec: Spec;
  readonly groups: readonly GroupSpec[];
  readonly objectives: readonly Objective[];
}

/** The kind of a step at which everything is at work. */
export function wholeKind(train: TrainSpec, phase = 0): StepKind {
  const { objectives } = train;
  return { phase, objectives: objectives.length === 0 ? [0] : objectives.map((_, i) => i) };
}

export const groupsIn = (train: TrainSpec, phase: PhaseSpec | undefined): readonly GroupSpec[] => [
  ...train.groups,
  ...(phase?.groups ?? []),
];

export function freezingIn(train: TrainSpec, phase: PhaseSpec | undefined): Freezing {
  return { groups: groupsIn(train, phase), frozen: phase?.frozen ?? [], trainNorms: phase?.trainNorms ?? false };
}

export function stageOf(spec: Spec, train: TrainSpec, kind: StepKind): Stage {
  const phase = train.phases[kind.phase];
  return {
    kind,
    spec: freeze(spec, freezingIn(train, phase)),
    groups: groupsIn(train, phase),
    objectives: objectivesOf(spec, train, kind.phase).filter((_, i) => kind.objectives.includes(i)),
  };
}

function objectivesOf(spec: Spec, train: TrainSpec, owner: number): readonly Objective[] {
  const phase = train.phases[owner];
  if (train.objectives.length === 0) {
    const { clip } = phase ?? train;
    const setup = phase ?? train;
    return [
      { losses: spec.losses, covers: () => true, setup, ...(clip === undefined ? {} : { clip }), every: 1, owner },
    ];
  }
  return train.objectives.map((objective, i) => ({
    spec: objective,
    losses: spec.losses.filter(({ name }) => objective.losses.includes(name)),
    covers: matcherOf(objective.parameters),
    setup: objective,
    ...(objective.clip === undefined ? {} : { clip: objective.clip }),
    every: objective.every,
    owner: i,
  }));
}

/** The optimizer that works on a weight: an objective's or phase's, with what groups say otherwise. */
export function setupFor(base: OptimizerSetup, { optimizer: overrides }: ParameterSettings): OptimizerSetup {
  return overrides.reduce((setup, override): OptimizerSetup => {
    const optimizer: SectionSpec = overridden(setup.optimizer, override);
    const { schedule, schedules } = setup;
    // Another optimizer has other fields.
    return { optimizer, schedule, ...(override.whole || schedules === undefined ? {} : { schedules }) };
  }, base);
}

/** The type of the optimizer that trains a weight in each phase; undefined in those where it is frozen. */
export function typesByPhase(spec: Spec, train: TrainSpec, info: StateInfo): readonly (string | undefined)[] {
  if (train.phases.length === 0) return [];
  const layer = allLayers(spec.layers).find(({ name }) => name === info.layer);
  return train.phases.map((phase) => {
    const freezing = freezingIn(train, phase);
    if (isFrozen(info, layer, freezing)) return undefined;
    return setupFor(phase, settingsOf(info, freezing.groups)).optimizer.type;
  });
}
