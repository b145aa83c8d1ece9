/**
 * Every optimizer in whole training steps of a small net: compiled and run natively in float32, beside the graph as it is
 * lowered in the float64 reference. The scalars are those that a training run computes, with every field that can be
 * scheduled on a schedule.
 */
import { loadSpecText } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import type { Graph } from '../../compiler/ir/graph';
import { elementCount, type TensorType } from '../../compiler/ir/types';
import { stepInputs } from '../../compiler/lower/learning_rate';
import { lowerInit, lowerTraining } from '../../compiler/lower/lower';
import type { RefTensor } from '../../compiler/ops/define';
import type { OptimizerDef } from '../../compiler/optimizers/define';
import { OPTIMIZERS } from '../../compiler/optimizers/index';
import { runPipeline } from '../../compiler/pipeline';
import { interpret } from '../../compiler/reference/interpret';
import { difference, fromNative, runNatively, runtimeWith } from '../support/native';

const STEPS = 3;
const DEFS: Readonly<Record<string, OptimizerDef>> = OPTIMIZERS;

/** With decay, so that every part of the formula is there. */
const FIELDS: Readonly<Record<string, string>> = {
  sgd: 'lr: 0.05, momentum: 0.9, dampening: 0.1, nesterov: true, weight_decay: 0.1, l1: 0.01',
  nesterov: 'lr: 0.05, lr_in_buffer: true, weight_decay: 0.1, l1: 0.01',
  rmsprop: 'momentum: 0.9, centered: true, epsilon: 0.01, weight_decay: 0.1, l1: 0.01',
  adam: 'lr: 0.01, amsgrad: true, weight_decay: 0.1, l1: 0.01',
  lars: 'lr: 0.5, weight_decay: 0.1, l1: 0.01',
  ftrl: 'lr: 0.1, l1: 0.01, weight_decay: 0.1, power: -0.4',
  adagrad: 'lr: 0.05, lr_decay: 0.1, initial: 0.1, weight_decay: 0.1, l1: 0.01',
  muon: 'lr: 0.02, adamw_lr: 0.01, filters: true, weight_decay: 0.1, l1: 0.01',
};

function specOf(type: string): Spec {
  const def = DEFS[type]!;
  const fields = FIELDS[type] ?? 'weight_decay: 0.1, l1: 0.01';
  const scheduled = def.hypers.map((field) => `${field}: {type: linear, to: 0.5}`).join(', ');
  const schedule = def.ratesOnce === true ? '' : ', schedule: {type: cosine, end: 0.3}';
  return loadSpecText(
    `inputs: {x: {shape: [N, 2, 5, 5]}, t: {shape: [N, 3]}}
layers:
  - {name: c, type: conv2d, filters: 3, kernel: 3, inputs: x, activation: tanh, parameters: {weight: {lr: 0.5}}}
  - {name: d, type: dense, units: 3, parameters: {bias: {decay: 0}}}
losses: [{type: mse, inputs: [d, t]}]
train: {batch_size: 3, steps: ${STEPS}, optimizer: {type: ${type}, ${fields}}${schedule}, schedules: {${scheduled}}}
`,
    'm.yaml',
  );
}

const feed = (type: TensorType, value: (i: number) => number): RefTensor => ({
  type,
  data: Float64Array.from({ length: elementCount(type.shape) }, (_, i) => Math.fround(value(i))),
});

function inputsAt(spec: Spec, graph: Graph, step: number): Record<string, RefTensor> {
  const scalars = stepInputs(spec.train!, { step, totalSteps: STEPS, stepsPerEpoch: STEPS });
  const valueOf = (name: string): ((i: number) => number) => {
    if (name === 'x') return (i) => Math.sin(1 + 0.7 * i + step);
    if (name === 't') return (i) => Math.cos(2 * i + step);
    if (name === 'rng') return (i) => i * step;
    return () => scalars[name]!;
  };
  return Object.fromEntries(graph.inputs.map(({ name, type }) => [name, feed(type, valueOf(name))]));
}

test.each(Object.keys(DEFS))('%s trains natively as in the reference, for any number of threads', async (type) => {
  runtimeWith(1);
  const spec = specOf(type);
  const training = lowerTraining(spec, 3);
  const { graph } = training;
  const init = lowerInit(spec, [training]).graph;
  const compiled = runPipeline(graph).graph;
  const blank = init.states.map(({ value }) => [value.name, feed(value.type, () => 0)] as const);
  const start = interpret(init, { rng: Float64Array.of(5, 0) }, Object.fromEntries(blank)).updates;
  let expected: Readonly<Record<string, RefTensor>> = Object.fromEntries(
    Object.entries(start).map(([name, { type: of, data }]) => [name, feed(of, (i) => Number(data[i]))]),
  );
  let states = expected;
  for (let step = 1; step <= STEPS; step++) {
    const inputs = inputsAt(spec, graph, step);
    const reference = interpret(graph, inputs, expected);
    expected = { ...expected, ...reference.updates };
    const found = await runNatively(compiled, inputs, states, 1);
    expect((await runNatively(compiled, inputs, states, 3)).states).toEqual(found.states);
    states = Object.fromEntries(
      Object.entries(found.states).map(([name, data]) => [name, fromNative(data, expected[name]!.type)]),
    );
    for (const { value } of graph.states) {
      const wrong = difference(found.states[value.name], expected[value.name]!, 2e-5);
      expect([step, value.name, wrong]).toEqual([step, value.name, undefined]);
    }
  }
});

test('an optimizer is element-wise work in one group a parameter, unless it needs norms or products', () => {
  for (const type of ['sgd', 'adamw', 'nadam', 'radam', 'lion', 'ftrl']) {
    const { graph } = runPipeline(lowerTraining(specOf(type), 3).graph);
    const updating = graph.nodes.filter(({ outputs }) => outputs.some(({ name }) => name.includes('.next')));
    const large = updating.filter(({ outputs }) => elementCount(outputs[0]!.type.shape) > 1);
    // The gradient of a dense layer's weights is made where it is used, if that is once.
    const product = type === 'radam' ? 'fused_elementwise' : 'fused_matmul';
    const expected = ['fused_elementwise', 'fused_elementwise', product, 'fused_elementwise'];
    expect([type, large.map(({ op }) => op)]).toEqual([type, expected]);
  }
});
