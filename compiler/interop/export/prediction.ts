/**
 * A model made ready for formats that hold its prediction: the graph after the passes that help any machine, and every
 * number that does not depend on the inputs, computed by the native runtime once, here, as `dlc predict` would.
 */
import { optimizeGraphs } from '../../compile';
import type { TypedArray } from '../../data/define';
import type { Learned } from '../../data/learned';
import { InternalError, UsageError } from '../../diagnostics/errors';
import type { Spec } from '../../frontend/spec';
import type { Graph } from '../../ir/graph';
import type { DType, Shape } from '../../ir/types';
import { openRuntime } from '../../native/runtime';
import { planPrograms } from '../../plan/build';
import { encodePlan } from '../../plan/encode';
import { isDerived, PREPARE, splitPrepared } from '../../plan/prepare';
import { factsOf, lowerPrograms, programName } from '../../train/programs';
import { interfaceOf } from '../../train/interface';
import { hasBatchAxis } from '../../train/predict';
import { writeStates } from '../../train/states';
import { trainedLearned, trainedTensors } from '../../train/trained';
import type { Tensors } from '../../weights/content';
import type { WeightsFrom } from '../../weights/source';

export interface KnownTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: TypedArray;
}

/** What these do is for the native kernels: their orders of images and weights, their fusions, their memory. */
export const NATIVE_PASSES = [
  'layouts',
  'precision',
  'pack_weights',
  'fuse_losses',
  'fuse_norms',
  'fuse_updates',
  'recompute_cheap',
  'recompute',
] as const;

export interface Prediction {
  /** One for each batch size that was asked for. */
  readonly graphs: readonly Graph[];
  /** What the states of the graphs hold. */
  readonly tensors: ReadonlyMap<string, KnownTensor>;
  /** What the weights know of the data that they were trained on. */
  readonly learned: Learned;
}

export interface PredictionOptions {
  /** Absent for a model that has none. */
  readonly weights: WeightsFrom | undefined;
  readonly batches: readonly number[];
  /** Passes that the format has no use for, beside those that serve the native kernels. */
  readonly disable?: readonly string[];
  /** Called with the graphs before any weight is read: what a format can't say is said here. */
  readonly check?: (graphs: readonly Graph[]) => void;
}

export async function predictionOf(spec: Spec, options: PredictionOptions): Promise<Prediction> {
  const { weights, batches, disable = [] } = options;
  const lowered = lowerPrograms(spec, { predict: batches });
  const { optimized } = optimizeGraphs(lowered, { facts: factsOf(spec), disable: [...NATIVE_PASSES, ...disable] });
  const split = splitPrepared(optimized);
  const graphs = batches.map((batch) => {
    const graph = split[programName('predict', batch)];
    if (!graph) throw new InternalError('a model has no prediction');
    return graph;
  });
  options.check?.(graphs);
  const tensors = await trainedTensors(spec, weights);
  const derived = split[PREPARE] ? await derive(split[PREPARE], tensors) : [];
  const stored = [...tensors].map(([name, tensor]): KnownTensor => ({ name, ...tensor }));
  return {
    graphs,
    tensors: new Map([...stored, ...derived].map((tensor) => [tensor.name, tensor])),
    learned: await trainedLearned(weights),
  };
}

/** Whether the model has a batch; to fix one where there is none is a mistake. */
export function isBatched(spec: Spec, batch: number | undefined): boolean {
  const batched = spec.inputs.some(hasBatchAxis);
  if (batched || (batch ?? 1) === 1) return batched;
  throw new UsageError('the model has no batch axis: --batch has nothing to fix', 'leave out --batch');
}

/** What the data section does to bytes before the model sees them, field by field, as JSON. */
export function normalizationOf(spec: Spec): readonly (readonly [field: string, text: string])[] {
  const { section } = interfaceOf(spec);
  return (['scale', 'mean', 'std'] as const).flatMap((field) => {
    const value = section?.fields[field];
    return value === undefined ? [] : [[field, JSON.stringify(value)] as const];
  });
}

/** What the program that prepares for prediction makes of the weights, by the names of the derived states. */
async function derive(prepare: Graph, tensors: Tensors): Promise<KnownTensor[]> {
  const results = prepare.updates.map(({ state, value }) => ({ name: state.name, value }));
  const graph = { ...prepare, states: prepare.states.filter((state) => !isDerived(state)), updates: [], results };
  const plan = planPrograms(prepare.name, { [PREPARE]: graph }, { prepare: false });
  const session = openRuntime().createSession(encodePlan(plan), plan);
  try {
    writeStates(session, plan, tensors);
    const run = await session.run(PREPARE, 1, {});
    if (!run.ok) throw new InternalError(`the weights could not be prepared: ${run.message}`);
    return prepare.updates.map(({ state }) => ({ name: state.name, ...state.type, data: run.outputs[state.name]! }));
  } finally {
    session.close();
  }
}
