/** A trained model ready to run: the programs asked for, with the weights of a file in them. */
import type { Spec } from '../frontend/spec';
import type { NativeRuntime, NativeSession } from '../native/runtime';
import type { Plan } from '../plan/plan';
import { loadWeights } from '../weights/files';
import { compileModel, modelStates, type Wanted } from './programs';
import { writeStates } from './states';

export interface Trained {
  readonly plan: Plan;
  readonly session: NativeSession;
}

export async function openTrained(
  spec: Spec,
  wanted: Wanted,
  weights: string,
  runtime: NativeRuntime,
): Promise<Trained> {
  const { plan, blob } = compileModel(spec, wanted);
  // A checkpoint serves as well as a weight file: what it holds beside the weights is not read.
  const { tensors } = await loadWeights(weights, { expected: modelStates(spec) });
  const session = runtime.createSession(blob, plan);
  writeStates(session, plan, tensors);
  return { plan, session };
}
