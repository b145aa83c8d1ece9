/** A trained model ready to run: the programs asked for, with the weights of a file in them. */
import { UsageError } from '../diagnostics/errors';
import type { Spec } from '../frontend/spec';
import type { NativeRuntime, NativeSession } from '../native/runtime';
import type { Plan } from '../plan/plan';
import type { Learned } from '../data/learned';
import { loadWeights, readLearned, type Tensors } from '../weights/files';
import type { WeightsFrom } from '../weights/source';
import { compileModel, modelStates, type Wanted } from './programs';
import { writeStates } from './states';

export interface Trained {
  readonly plan: Plan;
  readonly session: NativeSession;
}

/** The file of a trained model's weights. A model that has none to train runs as it is written: `undefined`. */
export function neededWeights<W>(spec: Spec, weights: W | undefined, what: string): W | undefined {
  if (weights === undefined && modelStates(spec).length > 0) {
    throw new UsageError(`${what} needs weights`, 'give them with --weights FILE.h5');
  }
  return weights;
}

/** Every tensor that the model expects, from the file; nothing for a model without weights. */
export async function trainedTensors(spec: Spec, weights: WeightsFrom | undefined): Promise<Tensors> {
  // A checkpoint serves as well as a weight file: what it holds beside the weights is not read.
  return weights === undefined ? new Map() : (await loadWeights(weights, { expected: modelStates(spec) })).tensors;
}

/** What was learned from the training data, as far as the weight file carries it. */
export async function trainedLearned(weights: WeightsFrom | undefined): Promise<Learned> {
  return (weights === undefined ? undefined : await readLearned(weights)) ?? {};
}

export async function openTrained(
  spec: Spec,
  wanted: Wanted,
  weights: WeightsFrom | undefined,
  runtime: NativeRuntime,
): Promise<Trained> {
  const { plan, blob } = compileModel(spec, wanted);
  const tensors = await trainedTensors(spec, weights);
  const session = runtime.createSession(blob, plan);
  writeStates(session, plan, tensors);
  return { plan, session };
}
