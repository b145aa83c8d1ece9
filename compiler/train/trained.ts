/** A trained model ready to run: the programs asked for, with the weights of a file in them. */
import { UsageError } from '../diagnostics/errors';
import type { Spec } from '../frontend/spec';
import type { NativeRuntime, NativeSession } from '../native/runtime';
import type { Plan } from '../plan/plan';
import type { Learned } from '../data/learned';
import type { Tensors } from '../weights/files';
import { learnedOf, loadAllStates } from '../weights/several';
import type { WeightsFrom } from '../weights/source';
import { compileModel, modelStates, type Wanted } from './programs';
import { writeStates } from './states';

export const WEIGHTS_HINT = 'give them with --weights FILE, or name them under `weights:` in the model';

export interface Trained {
  readonly plan: Plan;
  readonly session: NativeSession;
}

/** Where a trained model's weights are. A model that has none to train runs as it is written: `undefined`. */
export function neededWeights<W>(spec: Spec, weights: W | undefined, what: string): W | undefined {
  if (weights === undefined && modelStates(spec).length > 0) {
    throw new UsageError(`${what} needs weights`, WEIGHTS_HINT);
  }
  return weights;
}

/** Every tensor that the model expects, from the files; nothing for a model without weights. */
export async function trainedTensors(spec: Spec, weights: WeightsFrom | undefined): Promise<Tensors> {
  // A checkpoint serves as well as a weight file: what it holds beside the weights is not read.
  return loadAllStates(weights, modelStates(spec));
}

/** What was learned from the training data, as far as the weight file carries it. */
export async function trainedLearned(weights: WeightsFrom | undefined): Promise<Learned> {
  return (await learnedOf(weights)) ?? {};
}

export async function openTrained(
  spec: Spec,
  wanted: Wanted,
  weights: WeightsFrom | undefined,
  runtime: NativeRuntime,
): Promise<Trained> {
  const { plan, blob } = compileModel(spec, { ...wanted, device: runtime.device });
  const tensors = await trainedTensors(spec, weights);
  const session = runtime.createSession(blob, plan);
  writeStates(session, plan, tensors);
  return { plan, session };
}
