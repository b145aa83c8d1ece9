/**
 * The character model twice, with the built-in `lstm` and written out with `scan`: the same values and gradients, and
 * what it learns of Shakespeare.
 */
import path from 'node:path';
import { differentiate } from '../../compiler/autodiff/differentiate';
import { loadSpec } from '../../compiler/frontend/load';
import type { Graph } from '../../compiler/ir/graph';
import { elementCount } from '../../compiler/ir/types';
import { lowerTerms, RNG } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import type { RefTensor } from '../../compiler/ops/define';
import { runPipeline } from '../../compiler/pipeline';
import { interpret } from '../../compiler/reference/interpret';
import { runNatively } from '../support/native';
import { generator } from '../support/samples';
import { MODELS, publicData, trainZoo } from './training';

jest.setTimeout(120_000);

/** The written-out model's names of the built-in one's weights. */
const NAMES: Readonly<Record<string, string>> = {
  'memory.weight_input': 'memory/input.weight',
  'memory.weight_hidden': 'memory/hidden.weight',
  'memory.bias': 'memory/input.bias',
  'memory.weight_input_1': 'memory2/input.weight',
  'memory.weight_hidden_1': 'memory2/hidden.weight',
  'memory.bias_1': 'memory2/input.bias',
};

interface WithGradients {
  readonly graph: Graph;
  readonly results: readonly string[];
}

/** The sum of the loss and its gradients, by the names of the parameters. */
function lossOf(name: string, overrides: readonly string[]): WithGradients {
  const spec = loadSpec(path.join(MODELS, `${name}.yaml`), { overrides });
  const model = new ModelLowering(spec, { batch: 2, mode: 'eval', ownInputs: { rng: RNG } });
  lowerTerms(model);
  model.problems.throwIfErrors();
  const { b } = model;
  const sum = b.results.find((result) => result.name.endsWith('/sum'))!.value;
  const parameters = [...model.parameters.infos.values()].map(({ value }) => value);
  differentiate(b, sum, parameters).forEach((gradient, i) => b.result(`d_${parameters[i]!.name}`, gradient!));
  return { graph: b.build(), results: [...parameters.map((value) => `d_${value.name}`)] };
}

test('the built-in layer and the one written with scan agree in values and gradients', async () => {
  const small = ['inputs.text.shape=[N,7]', 'inputs.next.shape=[N,7]', 'layers.chars.units=5'];
  const own = lossOf('char_lstm', [...small, 'layers.memory.units=6']);
  const carry = '{h: {next: state, shape: [6]}, c: {next: cell, shape: [6]}}';
  const body = '{type: step, units: 6}';
  const scans = ['memory', 'memory2'].flatMap((name) => [
    `layers.${name}.carry=${carry}`,
    `layers.${name}.body=${body}`,
  ]);
  const written = lossOf('char_lstm_scan', [...small, ...scans]);

  const random = generator(4);
  const tokens = (): RefTensor => ({
    type: { dtype: 'i32', shape: [2, 7] },
    data: Float64Array.from({ length: 14 }, () => Math.floor(65 * random())),
  });
  const feeds = {
    text: tokens(),
    next: tokens(),
    rng: { type: RNG, data: Float64Array.of(1, 1) },
  };
  const states = Object.fromEntries(
    own.graph.states.map(({ value: { name, type } }) => {
      const data = Float64Array.from({ length: elementCount(type.shape) }, () => Math.fround(random() - 0.5));
      return [name, { type, data }] as const;
    }),
  );
  const renamed = Object.fromEntries(Object.entries(states).map(([name, state]) => [NAMES[name] ?? name, state]));
  expect(written.graph.states.map(({ value }) => value.name).sort()).toEqual(Object.keys(renamed).sort());

  const expected = interpret(own.graph, feeds, states).results;
  const found = interpret(written.graph, feeds, renamed).results;
  const native = await runNatively(runPipeline(written.graph).graph, feeds, renamed, 2);
  const pairs = Object.keys(expected).map((name) => [name, `d_${NAMES[name.slice(2)] ?? name.slice(2)}`] as const);
  expect(pairs.filter(([, theirs]) => theirs in found)).toHaveLength(own.results.length);
  for (const [name, gradient] of pairs) {
    const theirs = gradient in found ? gradient : name;
    const values = expected[name]!.data;
    const scale = Math.max(1e-3, ...values.map(Math.abs));
    values.forEach((value, i) => {
      expect(Math.abs(found[theirs]!.data[i]! - value)).toBeLessThan(1e-10 * scale);
      expect(Math.abs(Number(native.results[theirs]![i]) - value)).toBeLessThan(1e-4 * scale);
    });
  }
});

test('learns English spelling: below 2.1 nats a character on unseen text within 3 epochs of 200,000 characters', async () => {
  const folder = publicData('text-tinyshakespeare');
  if (folder === undefined) return;
  const file = path.join(folder, 'input.txt');
  const data = [
    ...['train', 'eval'].map((mode) => `data.${mode}.file=${file}`),
    ...['data.train.limit=3125', 'data.eval.limit=312'],
  ];
  const { figures } = await trainZoo('char_lstm', [...data, 'train.epochs=3', 'train.optimizer.lr=0.005']);
  // Frequencies of single characters alone give 3.3.
  expect(figures['loss']).toBeLessThan(2.1);
  expect(figures['accuracy']).toBeGreaterThan(0.4);
});
