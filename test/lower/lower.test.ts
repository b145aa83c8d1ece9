/** The graphs of a model: names of inputs and results, order, states, sharing, freezing, modes. */
import { loadSpecText } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import type { Graph } from '../../compiler/ir/graph';
import { lowerInit, lowerModel, lowerTraining } from '../../compiler/lower/lower';

const HEAD = 'inputs: {x: {shape: [N, 6]}, label: {shape: [N], dtype: int32}}\n';
const TRAIN = 'train: {batch_size: 4, epochs: 1, optimizer: {type: sgd, lr: 0.1, momentum: 0.9, weight_decay: 0.01}}\n';

function specOf(layers: string, rest = TRAIN): Spec {
  const text = `${HEAD}layers:\n${layers}\noutputs: [probs]\nlosses: [{type: cross_entropy, inputs: [logits, label]}]\nmetrics: [{type: accuracy, inputs: [logits, label]}]\n${rest}`;
  return loadSpecText(text, 'm.yaml');
}

const PLAIN = `  - {name: hidden, type: dense, units: 5, activation: relu}
  - {name: drop, type: dropout}
  - {name: logits, type: dense, units: 3}
  - {name: probs, type: softmax}`;

const names = (values: readonly { readonly name: string }[]): string[] => values.map(({ name }) => name);
const updated = (graph: Graph): string[] => graph.updates.map(({ state }) => state.name);
const indexOf = (graph: Graph, op: string): number => graph.nodes.findIndex((node) => node.op === op);

test('the train graph has the inputs and results of the contract', () => {
  const { graph } = lowerTraining(specOf(PLAIN), 4);
  expect(names(graph.inputs)).toEqual(['x', 'label', 'rng', 'lr']);
  expect(names(graph.results)).toEqual([
    'losses/cross_entropy/sum',
    'losses/cross_entropy/count',
    'metrics/accuracy/correct',
    'metrics/accuracy/count',
    'loss',
  ]);
});

test('adam adds its scalars to the inputs', () => {
  const adam = 'train: {batch_size: 4, epochs: 1, optimizer: {type: adam}}\n';
  const { graph } = lowerTraining(specOf(PLAIN, adam), 4);
  expect(names(graph.inputs)).toEqual(['x', 'label', 'rng', 'lr', 'correction1', 'correction2_sqrt']);
});

test('forward, check, backward and updates come in this order', () => {
  const { graph } = lowerTraining(specOf(PLAIN), 4);
  const check = indexOf(graph, 'check_finite');
  expect(indexOf(graph, 'softmax_cross_entropy')).toBeLessThan(check);
  expect(indexOf(graph, 'softmax_cross_entropy_grad')).toBeGreaterThan(check);
  const lr = graph.inputs.find(({ name }) => name === 'lr')!;
  const firstUpdate = graph.nodes.findIndex((node) => node.inputs.includes(lr));
  const lastGradient = graph.nodes.findLastIndex(({ outputs }) => outputs[0]!.name.startsWith('d_'));
  expect(firstUpdate).toBeGreaterThan(lastGradient);
  expect(graph.results.find(({ name }) => name === 'loss')!.value).toBe(graph.nodes[check]!.outputs[0]);
});

test('every parameter and its slot is updated once', () => {
  const { graph } = lowerTraining(specOf(PLAIN), 4);
  const parameters = ['hidden.weight', 'hidden.bias', 'logits.weight', 'logits.bias'];
  expect(updated(graph).sort()).toEqual([...parameters, ...parameters.map((name) => `${name}.momentum`)].sort());
});

test('prediction needs neither labels nor dropout, evaluation no random numbers', () => {
  const predict = lowerModel(specOf(PLAIN), { batch: 2, mode: 'predict' }).graph;
  expect(names(predict.inputs)).toEqual(['x']);
  expect(names(predict.results)).toEqual(['probs']);
  const evaluation = lowerModel(specOf(PLAIN), { batch: 2, mode: 'eval' }).graph;
  expect(names(evaluation.inputs)).toEqual(['x', 'label']);
  expect(evaluation.updates).toEqual([]);
  expect([predict, evaluation].map((graph) => indexOf(graph, 'dropout'))).toEqual([-1, -1]);
});

test('layers, not inputs of the step, give way where names collide', () => {
  const { graph } = lowerTraining(specOf(`  - {name: lr, type: relu}\n${PLAIN}`), 4);
  expect(names(graph.inputs)).toEqual(['x', 'label', 'rng', 'lr']);
  const text =
    'inputs: {lr: {shape: [N, 2]}, t: {shape: [N, 2]}}\nlayers: [{name: y, type: dense, units: 2, inputs: lr}]\n';
  const clash = loadSpecText(`${text}losses: [{type: mse, inputs: [y, t]}]\n${TRAIN}`, 'm.yaml');
  expect(() => lowerTraining(clash, 4)).toThrow(/the name `lr` is taken/);
});

test('the init graph draws every state, each weight from a stream of its own', () => {
  const { graph } = lowerInit(specOf(PLAIN));
  const { states } = lowerTraining(specOf(PLAIN), 4);
  expect(names(graph.inputs)).toEqual(['rng']);
  expect(updated(graph).sort()).toEqual(states.map(({ value }) => value.name).sort());
  const streams = graph.nodes.filter(({ op }) => op.startsWith('random')).map(({ attrs }) => attrs['stream']);
  expect(new Set(streams).size).toBe(2);
});

test('settings of single parameters reach the optimizer', () => {
  const layers = PLAIN.replace(
    'units: 5',
    'units: 5, parameters: {weight: {lr: 2, decay: 0}, bias: {frozen: true, init: {type: constant, value: 7}}}',
  );
  const { graph, states } = lowerTraining(specOf(layers), 4);
  expect(updated(graph)).not.toContain('hidden.bias');
  expect(states.map(({ value }) => value.name)).not.toContain('hidden.bias.momentum');
  const constants = (name: string): unknown[] =>
    graph.nodes
      .filter(({ op, outputs }) => op === 'constant' && outputs[0]!.name.startsWith(`${name}.next`))
      .map(({ attrs }) => (attrs['values'] as readonly number[])[0]);
  expect(constants('hidden.weight')).toEqual([2, 0.9]);
  expect(constants('logits.bias')).toEqual([0.01, 0.9]);
  const init = lowerInit(specOf(layers)).graph;
  const seven = init.nodes.find(({ outputs }) => outputs[0]!.name === 'hidden.bias.init')!;
  expect(seven.attrs['values']).toEqual([7]);
});

test('a frozen layer keeps its parameters', () => {
  const { graph } = lowerTraining(specOf(PLAIN.replace('units: 5', 'units: 5, frozen: true')), 4);
  expect(updated(graph).sort()).toEqual([
    'logits.bias',
    'logits.bias.momentum',
    'logits.weight',
    'logits.weight.momentum',
  ]);
});

test('layers that share have one set of parameters and one update', () => {
  const layers = `  - {name: first, type: dense, units: 6}
  - {name: second, type: dense, units: 6, share: first}
  - {name: logits, type: dense, units: 3}
  - {name: probs, type: softmax}`;
  const { graph } = lowerTraining(specOf(layers), 4);
  expect(names(graph.states.map(({ value }) => value)).filter((name) => name.startsWith('second'))).toEqual([]);
  expect(updated(graph).filter((name) => name === 'first.weight')).toHaveLength(1);
  expect(() =>
    lowerTraining(specOf(layers.replace('second, type: dense, units: 6', 'second, type: dense, units: 7')), 4),
  ).toThrow(
    /layer `second` cannot share the parameters of `first`: `weight` would be \[7, 6\] here and is \[6, 6\] there/,
  );
});

test('a batch_norm used twice moves its statistics twice, one after the other', () => {
  const layers = `  - {name: first, type: batch_norm}
  - {name: second, type: batch_norm, share: first}
  - {name: logits, type: dense, units: 3}
  - {name: probs, type: softmax}`;
  const { graph } = lowerTraining(specOf(layers), 4);
  expect(updated(graph).filter((name) => name === 'first.mean')).toHaveLength(1);
  const mean = graph.states.find(({ value }) => value.name === 'first.mean')!.value;
  // Only the first use reads the state; the second goes on from what the first made of it.
  expect(graph.nodes.filter(({ inputs }) => inputs.includes(mean))).toHaveLength(1);
});

test('a layer absent in a mode passes its input on', () => {
  const layers = PLAIN.replace('{name: drop, type: dropout}', '{name: drop, type: sigmoid, when: train}');
  expect(indexOf(lowerTraining(specOf(layers), 4).graph, 'sigmoid')).toBeGreaterThan(0);
  expect(indexOf(lowerModel(specOf(layers), { batch: 2, mode: 'predict' }).graph, 'sigmoid')).toBe(-1);
});

test('several losses are weighted, and each is reported by name', () => {
  const text = `${HEAD.replace('label', 't: {shape: [N, 3]}, label')}layers: [{name: logits, type: dense, units: 3, inputs: x}]
losses:
  - {type: cross_entropy, inputs: [logits, label]}
  - {name: close, type: mse, inputs: [logits, t], weight: 0.25}
${TRAIN}`;
  const { graph } = lowerTraining(loadSpecText(text, 'm.yaml'), 4);
  expect(names(graph.results)).toEqual(
    expect.arrayContaining(['losses/cross_entropy/sum', 'losses/close/sum', 'losses/close/count', 'loss']),
  );
});

test('a parameter that the loss does not reach stays as it is', () => {
  const layers = `${PLAIN}\n  - {name: aside, type: dense, units: 2, inputs: hidden}`;
  const spec = loadSpecText(
    `${HEAD}layers:\n${layers}\noutputs: [probs, aside]\nlosses: [{type: cross_entropy, inputs: [logits, label]}]\n${TRAIN}`,
    'm.yaml',
  );
  expect(updated(lowerTraining(spec, 4).graph)).not.toContain('aside.weight');
  expect(updated(lowerInit(spec).graph)).toContain('aside.weight');
});

test('lowering twice gives the same graph', () => {
  expect(JSON.stringify(lowerTraining(specOf(PLAIN), 4).graph)).toBe(
    JSON.stringify(lowerTraining(specOf(PLAIN), 4).graph),
  );
});
