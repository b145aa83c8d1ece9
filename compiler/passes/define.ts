/**
 * A pass is a pure function from a graph to one that computes the same, and gives the same object back if it found
 * nothing to do. It never logs, dumps, times or verifies: the driver in `pipeline.ts` does.
 */
import type { Graph } from '../ir/graph';
import type { Precision } from '../ir/types';

/** What passes may know about the machine and the kernels they compile for. */
export interface Facts {
  /** Constants with more elements than this are left to the runtime. */
  readonly foldElements: number;
  /** Constant expressions of more operations than this are left to the runtime. */
  readonly foldFlops: number;
  /** Bounds of a fused element-wise group. */
  readonly groupInstructions: number;
  readonly groupInputs: number;
  /** Bytes that a step may take, states and constants included; without it whatever is fastest. */
  readonly memory?: number;
  /** What activations and their gradients are stored in (passes/precision.ts); float32 where nothing is said. */
  readonly precision?: Precision;
}

export const DEFAULT_FACTS: Facts = {
  foldElements: 4096,
  foldFlops: 1e6,
  groupInstructions: 64,
  groupInputs: 16,
};

export interface Pass {
  /** A verb, in snake case: what `--after` and `disable` name. */
  readonly name: string;
  readonly doc: string;
  /** For whole graphs alone, not for the regions in them. */
  readonly whole?: boolean;
  run(graph: Graph, facts: Facts): Graph;
}

export function definePass(pass: Pass): Pass {
  return pass;
}
