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
import { withDefaults } from './defaults';
import { optimizerOf, type OptimizerSetup } from './updates';

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

/** Whether a state stays as it is in a phase, or in the whole training where there are none. */
export function frozenIn(spec: Spec, train: TrainSpec, phase: PhaseSpec | undefined): (info: StateInfo) => boolean {
  const layers = new Map(allLayers(spec.layers).map((layer) => [layer.name, layer]));
  const freezing = freezingIn(train, phase);
  return (info) => isFrozen(info, layers.get(info.layer), freezing);
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

/** Whether an optimizer that works on a weight pulls it towards zero, so that a factor on its decay means something. */
export function isDecayed(train: TrainSpec, phase: PhaseSpec | undefined, info: StateInfo): boolean {
  const settings = settingsOf(info, groupsIn(train, phase));
  return (train.objectives.length > 0 ? train.objectives : [phase ?? train]).some((base) => {
    const { optimizer } = setupFor(base, settings);
    const fields = withDefaults(optimizerOf(optimizer), optimizer.fields);
    return ['weight_decay', 'l1'].some((field) => typeof fields[field] === 'number' && fields[field] > 0);
  });
}

/** The type of the optimizer that trains a weight in each phase; undefined in those where it is frozen. */
export function typesByPhase(spec: Spec, train: TrainSpec, info: StateInfo): readonly (string | undefined)[] {
  if (train.phases.length === 0) return [];
  return train.phases.map((phase) => {
    if (frozenIn(spec, train, phase)(info)) return undefined;
    return setupFor(phase, settingsOf(info, groupsIn(train, phase))).optimizer.type;
  });
}
