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

export type Space = 'arena' | 'state' | 'const';

export interface PlanTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly space: Space;
  /** Bytes from the start of the space. */
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
  readonly workspace: { readonly offset: number; readonly bytes: number };
  readonly origin: Origin;
}

export interface PlanPort {
  readonly name: string;
  readonly tensor: number;
}

export interface PlanProgram {
  readonly name: string;
  readonly arenaBytes: number;
  readonly tensors: readonly PlanTensor[];
  /** Copied into the arena before the first step, in this order. */
  readonly inputs: readonly PlanPort[];
  /** Copied out after the last step, in this order. */
  readonly outputs: readonly PlanPort[];
  readonly steps: readonly PlanStep[];
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
  readonly stateBytes: number;
  readonly constants: Uint8Array;
  readonly programs: readonly PlanProgram[];
}

/** Peak bytes of running one program: states, constants and its arena. */
export function plannedBytes(plan: Plan, program: PlanProgram): number {
  return plan.stateBytes + plan.constants.byteLength + program.arenaBytes;
}
