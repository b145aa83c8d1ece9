/**
 * A net of two layers and six samples, trained step by step in the reference interpreter with the inputs that the
 * trainer would give: what its weights are after some steps is compared with numbers that PyTorch 2.13 gave in float64
 * (`reference` says from what).
 */
import { loadSpecText } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import { elementCount } from '../../compiler/ir/types';
import { lowerTraining, type StateInfo } from '../../compiler/lower/lower';
import type { RefTensor } from '../../compiler/ops/define';
import { interpret } from '../../compiler/reference/interpret';
import { batchAt, kindAt, type Schedule } from '../../compiler/train/batching';
import { hyperInputs } from '../../compiler/train/hyper';
import { trainSchedule } from '../../compiler/train/trainer';

export const SAMPLES = 6;

/** x → fc1 (4, tanh) → fc2 (2), against y; `rest` is the training section but for its batch size, or more sections. */
export function netOf(
  train: string,
  more: { losses?: string; fc1?: string; fc2?: string; layers?: string; batch?: number } = {},
): Spec {
  const { losses = '[{type: mse, inputs: [fc2, y]}]', fc1 = '', fc2 = '', layers = '', batch = 3 } = more;
  const text = `inputs: {x: {shape: [N, 3]}, y: {shape: [N, 2]}}
layers:
  - {name: fc1, type: dense, units: 4, activation: tanh, inputs: x${fc1}}
${layers}  - {name: fc2, type: dense, units: 2${fc2}}
losses: ${losses}
data: {eval: {type: synthetic, size: 6}}
train: {batch_size: ${batch}, ${train}}
`;
  return loadSpecText(text, 'net.yaml');
}

const X = Array.from({ length: 18 }, (_, i) => Math.cos(1.3 * i));
const Y = Array.from({ length: 12 }, (_, i) => Math.sin(0.7 * i));

type States = Record<string, RefTensor>;
export type Figures = Readonly<Record<string, number>>;

export interface Trained {
  /** fc1.weight, fc1.bias, fc2.weight, fc2.bias, one after the other. */
  readonly weights: readonly number[];
  readonly states: Readonly<States>;
  /** Every result of each step that is one number. */
  readonly steps: readonly Figures[];
  /** The names of the parameters that each step updated. */
  readonly updated: readonly (readonly string[])[];
}

/** The weights begin as 0.6 · sin(1), 0.6 · sin(2), …; everything else as it was saved, or as its initializer says. */
export function train(spec: Spec, steps?: number): Trained {
  const section = spec.train!;
  const schedule: Schedule = trainSchedule(section, SAMPLES);
  const states: States = {};
  const figures: Figures[] = [];
  const updated: string[][] = [];
  for (let step = 0; step < (steps ?? schedule.totalSteps); step++) {
    const kind = kindAt(schedule, step);
    const batch = batchAt(schedule, step);
    const lowered = lowerTraining(spec, batch, kind);
    Object.assign(states, { ...beginStates(lowered.states), ...states });
    const first = (step % schedule.stepsPerEpoch) * section.batchSize;
    const chunk = { first: step, steps: 1, batch, kind, epoch: 0, position: first };
    const hyper = Object.entries(hyperInputs(section, lowered.uses, schedule, chunk, 7));
    const wanted = new Set(lowered.graph.inputs.map(({ name }) => name));
    const feeds = {
      ...batchOf(first, batch),
      ...Object.fromEntries(hyper.map(([name, data]) => [name, Float64Array.from(data as ArrayLike<number>, Number)])),
    };
    const given = Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name)));
    expect([...wanted].filter((name) => !(name in given))).toEqual([]);
    const { results, updates } = interpret(lowered.graph, given, states);
    Object.assign(states, updates);
    figures.push(Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, Number(data[0])])));
    updated.push(Object.keys(updates).filter((name) => /^fc\d\.(weight|bias)$/.test(name)));
  }
  return { weights: weightsIn(states), states, steps: figures, updated };
}

const ORDER = ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias'];

/** Of the weights, or of a slot of each of them. */
export function weightsIn(states: Readonly<States>, slot = ''): number[] {
  return ORDER.flatMap((name) => [...((states[name + slot]?.data ?? []) as ArrayLike<number> & Iterable<number>)]);
}

/** Samples from `first` on. */
export function batchOf(first: number, batch: number): { x: Float64Array; y: Float64Array } {
  return {
    x: Float64Array.from(X.slice(3 * first, 3 * (first + batch))),
    y: Float64Array.from(Y.slice(2 * first, 2 * (first + batch))),
  };
}

/** What each state begins as: slots and buffers by their initializers, which here are zeros and ones. */
export function beginStates(infos: readonly (Pick<StateInfo, 'value'> & Partial<StateInfo>)[]): States {
  const states: States = {};
  let next = 0;
  for (const name of ORDER) {
    const info = infos.find(({ value }) => value.name === name);
    const size = info ? elementCount(info.value.type.shape) : 0;
    const data = Float64Array.from({ length: size }, (_, i) => 0.6 * Math.sin(next + i + 1));
    if (info) states[name] = { type: info.value.type, data };
    next += size;
  }
  for (const { value, init } of infos) {
    const filled = init === 'ones' ? 1 : 0;
    states[value.name] ??= { type: value.type, data: new Float64Array(elementCount(value.type.shape)).fill(filled) };
  }
  return states;
}

export function expectClose(found: readonly number[], expected: readonly number[], digits = 6): void {
  expect(found.length).toBe(expected.length);
  found.forEach((value, i) => expect([i, value]).toEqual([i, expect.closeTo(expected[i]!, digits)]));
}
