/**
 * Makes one executable plan of a model: the graphs that a command needs, each for the batch sizes it will meet, over
 * one set of states. Program names are `init`, `train@64`, `eval@100`, `predict@1`; training steps of another kind than
 * the first have it in their name: `train.p1@64` in the second phase, `train.o0@64` with the first objective alone.
 */
import { disabledPasses, type Device } from '../device';
import { compileGraphs, type Compiled, type CompileOptions } from '../compile';
import type { Spec } from '../frontend/spec';
import type { Graph } from '../ir/graph';
import type { Precision } from '../ir/types';
import { AVERAGE } from '../lower/averaging';
import { lowerInit, lowerModel, lowerTraining, type Lowered } from '../lower/lower';
import { wholeKind } from '../lower/stage';
import type { OptimizerUse } from '../lower/uses';
import { recomputedIn, type Recomputed } from '../passes/again';
import { DEFAULT_FACTS, type Facts } from '../passes/define';
import { encodePlan } from '../plan/encode';
import { PREPARE } from '../plan/prepare';
import type { Plan, PlanProgram } from '../plan/plan';
import type { ExpectedTensor } from '../weights/files';
import type { StepShape } from './batching';

export interface Wanted {
  readonly init?: boolean;
  /** Batch sizes, of steps at which everything is at work, or shapes; an empty list or none: no such program. */
  readonly train?: readonly (number | StepShape)[];
  readonly eval?: readonly number[];
  readonly predict?: readonly number[];
  /** Evaluates the averages that training keeps, where it keeps any. */
  readonly averaged?: boolean;
  /** In place of what the file says of training and evaluations, and of the float32 of predictions. */
  readonly precision?: Precision | undefined;
  /** The CPU where nothing is said. */
  readonly device?: Device | undefined;
}

export interface Executable {
  readonly plan: Plan;
  readonly blob: Uint8Array;
  /** Whose scalars each training program takes. */
  readonly uses: Readonly<Record<string, readonly OptimizerUse[]>>;
  /** What each program computes again. */
  readonly recomputed: Readonly<Record<string, Recomputed>>;
}

const INIT = 'init';

export const programName = (mode: 'train' | 'eval' | 'predict', batch: number): string => `${mode}@${batch}`;

/** `objectives` is how many the training has. */
export function trainProgramName({ kind, batch }: StepShape, objectives: number): string {
  const phase = kind.phase === 0 ? '' : `.p${kind.phase}`;
  const whole = kind.objectives.length === Math.max(1, objectives);
  return `train${phase}${whole ? '' : `.o${kind.objectives.join('+')}`}@${batch}`;
}

/** A step of each phase, with everything at work: what the memory of a training is told by. */
export function wholeSteps(spec: Spec, batch: number): StepShape[] {
  const { train } = spec;
  if (!train) return [];
  const phases = train.phases.length === 0 ? [0] : train.phases.map((_, i) => i);
  return phases.map((phase) => ({ kind: wholeKind(train, phase), batch }));
}

/** The program of a mode that needs the most memory. */
export function largestProgram(plan: Plan, mode: 'train' | 'eval' | 'predict'): PlanProgram {
  const ofMode = plan.programs.filter(({ name }) => name.startsWith(`${mode}@`) || name.startsWith(`${mode}.`));
  return ofMode.reduce((most, next) => (next.arenaBytes > most.arenaBytes ? next : most));
}

interface LoweredPrograms {
  readonly graphs: Record<string, Graph>;
  readonly uses: Executable['uses'];
}

function lowerAll(spec: Spec, wanted: Wanted): LoweredPrograms {
  const lowered: Record<string, Lowered> = {};
  const uses: Record<string, readonly OptimizerUse[]> = {};
  for (const one of wanted.train ?? []) {
    const training = typeof one === 'number' ? lowerTraining(spec, one) : lowerTraining(spec, one.batch, one.kind);
    const batch = typeof one === 'number' ? one : one.batch;
    const name = trainProgramName({ kind: training.kind, batch }, spec.train?.objectives.length ?? 0);
    lowered[name] = training;
    uses[name] = training.uses;
  }
  const averaged = wanted.averaged ? averagedIn(Object.values(lowered)) : new Set<string>();
  for (const mode of ['eval', 'predict'] as const) {
    for (const batch of wanted[mode] ?? []) {
      lowered[programName(mode, batch)] = lowerModel(spec, { batch, mode, averaged });
    }
  }
  const graphs = Object.fromEntries(Object.entries(lowered).map(([name, { graph }]) => [name, graph]));
  const init = wanted.init ? lowerInit(spec, [...Object.values(lowered), everyLayer(spec)]).graph : undefined;
  return { graphs: init ? { ...graphs, [INIT]: init } : graphs, uses };
}

export function lowerPrograms(spec: Spec, wanted: Wanted): Record<string, Graph> {
  return lowerAll(spec, wanted).graphs;
}

/** Names of the parameters that training programs keep averages of. */
function averagedIn(lowered: readonly Lowered[]): ReadonlySet<string> {
  const slots = lowered.flatMap(({ states }) => states.filter(({ role }) => role === 'slot'));
  const names = slots.map(({ value }) => value.name).filter((name) => name.endsWith(`.${AVERAGE}`));
  return new Set(names.map((name) => name.slice(0, -AVERAGE.length - 1)));
}

/** The model inputs that training or evaluation reads: the data need not have the others. */
export function dataInputs(spec: Spec, mode: 'train' | 'eval', batch: number): string[] {
  const graphs =
    mode === 'train'
      ? wholeSteps(spec, batch).map(({ kind }) => lowerTraining(spec, batch, kind).graph)
      : [lowerModel(spec, { batch, mode }).graph];
  const used = new Set(graphs.flatMap(({ inputs }) => inputs.map((input) => input.name)));
  return spec.inputs.map((input) => input.name).filter((name) => used.has(name));
}

/** Declares what the model has in any mode: a weight file is whole, whichever programs read it. */
function everyLayer(spec: Spec): Lowered {
  return lowerModel(spec, { batch: spec.train?.batchSize ?? 1, mode: 'predict', everyLayer: true });
}

/** Every parameter and buffer of the model: what its weight file holds. */
export function modelStates(spec: Spec): ExpectedTensor[] {
  return everyLayer(spec)
    .states.filter(({ role }) => role !== 'slot')
    .map(({ value }) => ({ name: value.name, ...value.type }));
}

/** What the training section says of how each program is compiled: steps and their evaluations, not predictions. */
export function factsOf({ train }: Spec, given?: Precision): (program: string) => Facts {
  const base = train?.memory === undefined ? DEFAULT_FACTS : { ...DEFAULT_FACTS, memory: train.memory };
  return (program) => {
    if (program === INIT) return base;
    const written = program.startsWith('predict') ? undefined : train?.precision;
    return { ...base, precision: given ?? written ?? 'float32' };
  };
}

export function compilePrograms(spec: Spec, wanted: Wanted): Compiled {
  return compileGraphs(spec.name, lowerPrograms(spec, wanted), optionsFor(spec, wanted));
}

/** Beside training, weights change before every evaluation: copies of them would cost memory and save next to nothing. */
function optionsFor(spec: Spec, { train = [], precision, device = 'cpu' }: Wanted): CompileOptions {
  const disable = [...disabledPasses(device), ...(train.length > 0 ? [PREPARE] : [])];
  return { facts: factsOf(spec, precision), disable };
}

export function compileModel(spec: Spec, wanted: Wanted): Executable {
  const { graphs, uses } = lowerAll(spec, wanted);
  const { plan, graphs: compiled } = compileGraphs(spec.name, graphs, optionsFor(spec, wanted));
  const recomputed = Object.fromEntries(Object.entries(compiled).map(([name, graph]) => [name, recomputedIn(graph)]));
  return { plan, blob: encodePlan(plan), uses, recomputed };
}
