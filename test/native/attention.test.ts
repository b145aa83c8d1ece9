/**
 * Attention as one op: a training step and a prediction of models with every kind of mask against the float64
 * interpretation of what their layers were lowered to, the same bytes at any number of threads, and less memory.
 */
import { compileGraphs } from '../../compiler/compile';
import { loadSpecText } from '../../compiler/frontend/load';
import type { Graph, Value } from '../../compiler/ir/graph';
import { elementCount } from '../../compiler/ir/types';
import { lowerInit, lowerModel, lowerTraining } from '../../compiler/lower/lower';
import type { RefTensor } from '../../compiler/ops/define';
import { runPipeline } from '../../compiler/pipeline';
import { encodePlan } from '../../compiler/plan/encode';
import { plannedBytes } from '../../compiler/plan/plan';
import { interpret } from '../../compiler/reference/interpret';
import { difference, fromNative, runtimeWith, toNative } from '../support/native';
import { generator } from '../support/samples';

jest.setTimeout(60_000);

const BATCH = 2;

interface Model {
  readonly name: string;
  readonly inputs: string;
  readonly fields: string;
  /** Whether its gradient is one op too. */
  readonly backward?: false;
}

const MODELS: readonly Model[] = [
  { name: 'one head', inputs: 'x: {shape: [N, 6, 8]}', fields: 'heads: 1, inputs: [p]' },
  {
    name: 'causal, beyond one block',
    inputs: 'x: {shape: [N, 131, 8]}',
    fields: 'heads: 2, causal: true, inputs: [p]',
  },
  { name: 'causal with a folded mask', inputs: 'x: {shape: [N, 9, 8]}', fields: 'heads: 2, causal: true, inputs: [p]' },
  {
    name: 'grouped, rotary, padding that empties rows, a bias, causal',
    inputs: 'x: {shape: [N, 70, 8]}, pad: {shape: [N, 70], dtype: bool}, add: {shape: [N, 70, 70]}',
    fields: 'heads: 4, key_value_heads: 2, rotary: true, masks: 2, causal: true, inputs: [p, pad, add]',
  },
  {
    name: 'two sequences, two masks',
    inputs:
      'x: {shape: [N, 5, 8]}, z: {shape: [N, 37, 6]}, left: {shape: [N, 37], dtype: bool}, right: {shape: [N, 5, 37], dtype: bool}',
    fields: 'heads: 2, masks: 2, inputs: [p, z, left, right]',
  },
  {
    name: 'one query',
    inputs: 'x: {shape: [N, 1, 8]}, z: {shape: [N, 40, 6]}',
    fields: 'heads: 2, key_value_heads: 1, inputs: [p, z]',
  },
];

function textOf({ inputs, fields }: Model): string {
  return `
dlc: 1
name: attends
inputs: {${inputs}}
layers:
  - {name: p, type: dense, units: 8, axis: -1, inputs: x}
  - {name: a, type: multi_head_attention, bias: false, ${fields}}
  - {name: s, type: sin}
outputs: [s]
losses: [{type: expression, inputs: [s], expr: "mean(square(s - 0.5))"}]
train: {batch_size: 2, steps: 10, optimizer: {type: sgd, lr: 0.01, momentum: 0.9}}`;
}

function graphsOf(text: string) {
  const spec = loadSpecText(text, 'attends.yaml');
  const train = lowerTraining(spec, BATCH);
  const predict = lowerModel(spec, { batch: BATCH, mode: 'predict' });
  return { init: lowerInit(spec, [train, predict]).graph, train: train.graph, predict: predict.graph };
}

function tensor({ type }: Value, element: (i: number) => number): RefTensor {
  return { type, data: Float64Array.from({ length: elementCount(type.shape) }, (_, i) => element(i)) };
}

/** Masks leave most; the first sample has no key at all where the first query asks. */
function feedsOf(graph: Graph): Record<string, RefTensor> {
  const random = generator(3);
  return Object.fromEntries(
    graph.inputs.map((input) => {
      if (input.name === 'rng') return [input.name, tensor(input, (i) => [5, 1][i] ?? 0)];
      if (input.name === 'lr') return [input.name, tensor(input, () => 0.125)];
      const row = input.type.shape.at(-1) ?? 1;
      if (input.type.dtype === 'bool') return [input.name, tensor(input, (i) => (i >= row && random() < 0.6 ? 1 : 0))];
      return [input.name, tensor(input, () => Math.fround(2 * random()))];
    }),
  );
}

const native = (feeds: Readonly<Record<string, RefTensor>>) =>
  Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toNative(feed)]));

describe.each(MODELS)('$name', (model) => {
  const graphs = graphsOf(textOf(model));

  test('is one op, and its gradient another', () => {
    const ops = runPipeline(graphs.train).graph.nodes.map(({ op }) => op);
    expect(ops.filter((op) => op === 'attention' || op === 'attention_grad' || op === 'softmax')).toEqual([
      'attention',
      'attention_grad',
    ]);
    expect(runPipeline(graphs.predict).graph.nodes.map(({ op }) => op)).not.toContain('softmax');
  });

  test('trains a step and predicts as the reference does, with the same bytes at any number of threads', async () => {
    const { plan } = compileGraphs('attends', graphs);
    const blob = encodePlan(plan);
    const [bytes, results]: [Set<string>, Set<string>] = [new Set(), new Set()];
    for (const threads of [1, 2, 3, 4]) {
      const session = runtimeWith(threads).createSession(blob, plan);
      const now = (): Record<string, RefTensor> =>
        Object.fromEntries(
          session.states.map((state) => [state.name, fromNative(session.readState(state.name), state)]),
        );
      await session.run(
        'init',
        1,
        native({ rng: tensor({ name: 'rng', type: { dtype: 'i64', shape: [2] } }, () => 1) }),
      );
      const before = now();
      const feeds = feedsOf(graphs.train);
      expect(await session.run('train', 1, native(feeds))).toMatchObject({ ok: true });
      if (threads === 1) {
        for (const [state, wanted] of Object.entries(interpret(graphs.train, feeds, before).updates)) {
          expect([state, difference(session.readState(state), wanted, 1e-4)]).toEqual([state, undefined]);
        }
      }
      const asked = feedsOf(graphs.predict);
      const { outputs } = await session.run('predict', 1, native(asked));
      if (threads === 1) {
        const expected = interpret(graphs.predict, asked, now()).results;
        expect(difference(outputs['s'], expected['s']!, 1e-5)).toBeUndefined();
      }
      bytes.add(JSON.stringify(session.states.map(({ name }) => [...(session.readState(name) as Float32Array)])));
      results.add(JSON.stringify([...(outputs['s'] as Float32Array)]));
      session.close();
    }
    expect([bytes.size, results.size]).toEqual([1, 1]);
  });
});

test('long sequences take no memory for their scores', () => {
  const text = textOf({ name: '', inputs: 'x: {shape: [N, 1024, 8]}', fields: 'heads: 2, causal: true, inputs: [p]' });
  const graphs = graphsOf(text);
  const bytesWith = (disable: readonly string[]): number => {
    const { plan } = compileGraphs('attends', graphs, { disable });
    return plannedBytes(
      plan,
      plan.programs.find(({ name }) => name === 'train')!,
    );
  };
  // Scores and weights of two samples, two heads: 16 MiB each.
  expect(bytesWith(['fuse_attention'])).toBeGreaterThan(32 << 20);
  expect(bytesWith([])).toBeLessThan(4 << 20);
});
