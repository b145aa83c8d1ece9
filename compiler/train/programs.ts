/**
 * Makes one executable plan of a model: the graphs that a command needs, each for the batch sizes it will meet, over
 * one set of states. Program names are `init`, `train@64`, `eval@100`, `predict@1`.
 */
import { compileGraphs } from '../compile';
import type { Spec } from '../frontend/spec';
import type { Graph } from '../ir/graph';
import { lowerInit, lowerModel, lowerTraining, type Lowered } from '../lower/lower';
import { encodePlan } from '../plan/encode';
import type { Plan } from '../plan/plan';
import type { ExpectedTensor } from '../weights/files';

export interface Wanted {
  readonly init?: boolean;
  /** Batch sizes; an empty list or none: no such program. */
  readonly train?: readonly number[];
  readonly eval?: readonly number[];
  readonly predict?: readonly number[];
}

export interface Executable {
  readonly plan: Plan;
  readonly blob: Uint8Array;
}

export const programName = (mode: 'train' | 'eval' | 'predict', batch: number): string => `${mode}@${batch}`;

export function lowerPrograms(spec: Spec, wanted: Wanted): Record<string, Graph> {
  const lowered: Record<string, Lowered> = {};
  for (const batch of wanted.train ?? []) lowered[programName('train', batch)] = lowerTraining(spec, batch);
  for (const mode of ['eval', 'predict'] as const) {
    for (const batch of wanted[mode] ?? []) lowered[programName(mode, batch)] = lowerModel(spec, { batch, mode });
  }
  const graphs = Object.fromEntries(Object.entries(lowered).map(([name, { graph }]) => [name, graph]));
  return wanted.init
    ? { ...graphs, init: lowerInit(spec, [...Object.values(lowered), everyLayer(spec)]).graph }
    : graphs;
}

/** The model inputs that training or evaluation reads: the data need not have the others. */
export function dataInputs(spec: Spec, mode: 'train' | 'eval', batch: number): string[] {
  const { graph } = mode === 'train' ? lowerTraining(spec, batch) : lowerModel(spec, { batch, mode });
  const used = new Set(graph.inputs.map((input) => input.name));
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

export function compileModel(spec: Spec, wanted: Wanted): Executable {
  const { plan } = compileGraphs(spec.name, lowerPrograms(spec, wanted));
  return { plan, blob: encodePlan(plan) };
}
