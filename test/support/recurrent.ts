/**
 * Recurrent layers on inputs, weights and an objective that PyTorch computed the same with: the sum of each output times
 * a fixed wave. `bench/parity/recurrent.py` makes the cases.
 */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { loadSpecText } from '../../compiler/frontend/load';
import type { Fields } from '../../compiler/frontend/spec';
import type { Graph, Value } from '../../compiler/ir/graph';
import { elementCount } from '../../compiler/ir/types';
import { RNG } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import type { RefTensor } from '../../compiler/ops/define';
import { interpret } from '../../compiler/reference/interpret';

type Numbers = Readonly<Record<string, readonly number[]>>;

export interface RecurrentCase {
  readonly name: string;
  readonly type: string;
  readonly fields: Fields;
  readonly inputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: readonly number[] }>>;
  readonly lengths?: readonly number[];
  readonly states: Numbers;
  /** `y`, and `y.h`, `y.c`. */
  readonly outputs: Numbers;
  /** By input and by parameter. */
  readonly gradients: Numbers;
}

export interface RecurrentRun {
  readonly outputs: Readonly<Record<string, number[]>>;
  readonly gradients: Readonly<Record<string, number[]>>;
}

export interface RecurrentGraph {
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, RefTensor>>;
  readonly states: Readonly<Record<string, RefTensor>>;
}

/** The graph with the outputs and `d_<name>` of inputs and parameters as results. */
export function graphOf(row: RecurrentCase): RecurrentGraph {
  const names = Object.keys(row.inputs);
  const batch = row.inputs['x']!.shape[0]!;
  const roles = [...names.slice(1), ...(row.lengths ? ['lengths'] : [])];
  const declared = names.map((name) => [name, { shape: ['N', ...row.inputs[name]!.shape.slice(1)] }] as const);
  const lengths = row.lengths ? { lengths: { shape: ['N'], dtype: 'int64' } } : {};
  const layer = {
    ...row.fields,
    name: 'y',
    type: row.type,
    inputs: ['x', ...roles],
    ...(roles.length > 0 ? { extra_inputs: roles } : {}),
  };
  const text = JSON.stringify({
    inputs: { ...Object.fromEntries(declared), ...lengths },
    layers: [layer],
    outputs: ['y'],
  });
  const spec = loadSpecText(text, 'case.json');
  const model = new ModelLowering(spec, { batch, mode: 'train', ownInputs: { rng: RNG } });
  const { b } = model;
  model.lowerLayers(['y']);
  model.problems.throwIfErrors();
  const outputs = Object.keys(row.outputs).map((name) => model.values.get(name)!);
  const objective = outputs
    .map((value, k) => weighted(model, value, k))
    .reduce((sum, part) => b.op('add', [sum, part]));
  const parameters = [...model.parameters.infos.values()].map(({ value }) => value);
  const wrt = [...names.map((name) => model.values.get(name)!), ...parameters];
  Object.keys(row.outputs).forEach((name, k) => b.result(name, outputs[k]!));
  differentiate(b, objective, wrt).forEach((gradient, i) => b.result(`d_${wrt[i]!.name}`, gradient!));
  const graph = b.build();
  const given = new Map<string, readonly number[]>([
    ...names.map((name) => [name, row.inputs[name]!.values] as const),
    ['lengths', row.lengths ?? []],
    ['rng', [1, 1]],
  ]);
  const tensor = ({ type }: Value, values: readonly number[]): RefTensor => ({ type, data: Float64Array.from(values) });
  return {
    graph,
    feeds: Object.fromEntries(graph.inputs.map((input) => [input.name, tensor(input, given.get(input.name)!)])),
    states: Object.fromEntries(graph.states.map(({ value }) => [value.name, tensor(value, row.states[value.name]!)])),
  };
}

function weighted({ b }: ModelLowering, value: Value, phase: number): Value {
  const { shape } = value.type;
  const wave = Array.from({ length: elementCount(shape) }, (_, i) => Math.cos(0.7 * i + phase));
  const axes = shape.map((_, axis) => axis);
  return b.op('reduce_sum', [b.op('mul', [value, b.constant(wave, shape)])], { axes, keepdims: false });
}

/** In float64. */
export function runCase(row: RecurrentCase): RecurrentRun {
  const { graph, feeds, states } = graphOf(row);
  const { results } = interpret(graph, feeds, states);
  const pick = (names: readonly string[], prefix = ''): Record<string, number[]> =>
    Object.fromEntries(names.map((name) => [name, [...results[prefix + name]!.data]]));
  return { outputs: pick(Object.keys(row.outputs)), gradients: pick(Object.keys(row.gradients), 'd_') };
}
