/**
 * The executable plan: what the runtime is given, as data. Several programs (init, train, eval, predict) share one
 * set of state tensors. Every tensor has a fixed address: an offset in a program's arena, in the state section or
 * in the constant section. The runtime allocates those three once and nothing afterwards.
 * `encode.ts` writes it as the binary blob that runtime-native/src/plan_loader.cpp reads.
 */
import type { Origin } from '../diagnostics/location';
import type { Attrs, StateRole } from '../ir/graph';
import type { DType, Shape } from '../ir/types';

/** Offsets and sizes are multiples of this. */
export const ALIGNMENT = 64;

/** In a region, `operand` and `result` are what the step is given and gives: the tensor of that number, in place. */
export type Space = 'arena' | 'state' | 'const' | 'operand' | 'result';

export interface PlanTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly space: Space;
  /** Bytes from the start of the space; of `operand` and `result`, the number of the input or output. */
  readonly offset: number;
}

export interface PlanStep {
  /** A kernel name. */
  readonly op: string;
  /** Indices into the program's tensors. */
  readonly inputs: readonly number[];
  /** -1: nobody reads this output, the kernel need not write it. */
  readonly outputs: readonly number[];
  readonly attrs: Attrs;
  /** Of a step with regions, it is their arena: one after the other uses it. */
  readonly workspace: { readonly offset: number; readonly bytes: number };
  readonly origin: Origin;
  /** Indices into the program's regions, for the steps that run some. */
  readonly regions?: readonly number[];
}

/** Steps over one arena. */
export interface PlanBlock {
  readonly name: string;
  readonly arenaBytes: number;
  readonly tensors: readonly PlanTensor[];
  readonly steps: readonly PlanStep[];
}

/** What a step runs, over and over or not at all. Its arena is the step's workspace. */
export interface PlanRegion extends PlanBlock {
  /** What the step fills in before each run: the slices of the sequences, then the index. -1: nobody reads it. */
  readonly inputs: readonly number[];
  /** What the step takes after each run, or before it, where it is what a carried value was. */
  readonly outputs: readonly { readonly tensor: number; readonly early: boolean }[];
}

export interface PlanPort {
  readonly name: string;
  readonly tensor: number;
}

export interface PlanProgram extends PlanBlock {
  /** Copied into the arena before the first step, in this order. */
  readonly inputs: readonly PlanPort[];
  /** Copied out after the last step, in this order. */
  readonly outputs: readonly PlanPort[];
  /** Each belongs to one step, of the program or of a later region. */
  readonly regions: readonly PlanRegion[];
  /** The program that computes the derived states that this one reads: the runtime runs it first, where a state is new. */
  readonly prepare?: number;
}

/** In the order in which the runtime numbers them: the program's own, then those of the regions. */
export function allSteps(program: PlanProgram): readonly PlanStep[] {
  return [...program.steps, ...program.regions.flatMap((region) => region.steps)];
}

export interface PlanState {
  readonly name: string;
  readonly role: StateRole;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly offset: number;
}

export interface Plan {
  readonly name: string;
  readonly states: readonly PlanState[];
  /** Behind the others in the state section, known to programs alone: no caller and no file sees them. */
  readonly derived: readonly PlanState[];
  readonly stateBytes: number;
  readonly constants: Uint8Array;
  readonly programs: readonly PlanProgram[];
}

/** Peak bytes of running one program: states, constants and its arena, or that of what prepares for it. */
export function plannedBytes(plan: Plan, program: PlanProgram): number {
  const before = program.prepare === undefined ? 0 : (plan.programs[program.prepare]?.arenaBytes ?? 0);
  return plan.stateBytes + plan.constants.byteLength + Math.max(program.arenaBytes, before);
}
