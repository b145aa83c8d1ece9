/**
 * The zoo's smaller models from text to one trained step: initial weights drawn natively and by the reference, then the
 * optimized, planned, native step against the float64 interpretation of the graph as it was lowered.
 */
import path from 'node:path';
import { compileGraphs } from '../../compiler/compile';
import { loadSpec } from '../../compiler/frontend/load';
import type { Graph, Value } from '../../compiler/ir/graph';
import { elementCount } from '../../compiler/ir/types';
import { optimizerScalars } from '../../compiler/lower/learning_rate';
import { lowerInit, lowerModel, lowerTraining } from '../../compiler/lower/lower';
import { encodePlan } from '../../compiler/plan/encode';
import type { RefTensor } from '../../compiler/ops/define';
import { interpret } from '../../compiler/reference/interpret';
import { difference, fromNative, runtimeWith, toNative } from '../support/native';
import { generator } from '../support/samples';

const SEED = 20;

// The interpreter takes seconds for a residual network, and more on a machine that does other things too.
jest.setTimeout(120_000);

function tensor({ type }: Value, element: (i: number) => number): RefTensor {
  return { type, data: Float64Array.from({ length: elementCount(type.shape) }, (_, i) => element(i)) };
}

/** Pictures of noise and labels from 0 to 9. */
function feedsOf(graph: Graph, scalars: Readonly<Record<string, number>>): Record<string, RefTensor> {
  const random = generator(SEED);
  const feeds = graph.inputs.map((input) => {
    const scalar = scalars[input.name];
    if (input.name === 'rng') return [input.name, tensor(input, (i) => [SEED, 1][i] ?? 0)] as const;
    if (scalar !== undefined) return [input.name, tensor(input, () => Math.fround(scalar))] as const;
    const whole = input.type.dtype !== 'f32';
    return [input.name, tensor(input, () => (whole ? Math.floor(10 * random()) : Math.fround(random())))] as const;
  });
  return Object.fromEntries(feeds);
}

function native(feeds: Readonly<Record<string, RefTensor>>) {
  return Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toNative(feed)]));
}

interface Case {
  readonly model: string;
  readonly batch: number;
  /** What gradients may differ by, seen in the optimizer's slots and the running statistics. */
  readonly slots: number;
  readonly parameters: number;
}

const CASES: readonly Case[] = [
  // Adam divides by the size of the gradient, so that of a tiny one shows its rounding.
  { model: 'mlp', batch: 2, slots: 1e-5, parameters: 1e-2 },
  { model: 'lenet', batch: 2, slots: 1e-5, parameters: 1e-6 },
  { model: 'cifar10_quick', batch: 2, slots: 1e-4, parameters: 1e-5 },
  // Among its 200,000 rectifiers one may be so near to 0 that float32 puts it on the other side.
  { model: 'resnet20', batch: 1, slots: 0.1, parameters: 1e-3 },
];

test.each(CASES)('$model draws its weights, trains a step and predicts as the reference does', async (row) => {
  const { model, batch, slots, parameters } = row;
  const spec = loadSpec(path.resolve(__dirname, `../../models/${model}.yaml`));
  const train = lowerTraining(spec, batch);
  const predict = lowerModel(spec, { batch, mode: 'predict' });
  const graphs = { init: lowerInit(spec, [train, predict]).graph, train: train.graph, predict: predict.graph };
  const { plan } = compileGraphs(model, graphs);
  const session = runtimeWith(2).createSession(encodePlan(plan), plan);
  const statesNow = (): Record<string, RefTensor> =>
    Object.fromEntries(session.states.map((state) => [state.name, fromNative(session.readState(state.name), state)]));

  const rng = tensor({ name: 'rng', type: { dtype: 'i64', shape: [2] } }, (i) => [SEED, 0][i] ?? 0);
  const drawn = interpret(graphs.init, { rng }).updates;
  expect(await session.run('init', 1, native({ rng }))).toMatchObject({ ok: true });
  for (const { name: state } of session.states) {
    expect([state, difference(session.readState(state), drawn[state] as RefTensor, 2e-6)]).toEqual([state, undefined]);
  }

  // From here on both start from the very same bits.
  const before = statesNow();
  const scalars = { lr: 0.01, ...(spec.train && optimizerScalars(spec.train, 1)) };
  const feeds = feedsOf(graphs.train, scalars);
  const expected = interpret(graphs.train, feeds, before);
  const found = await session.run('train', 1, native(feeds));
  expect(found).toMatchObject({ ok: true });
  for (const [result, wanted] of Object.entries(expected.results)) {
    expect([result, difference(found.outputs[result], wanted, 1e-5)]).toEqual([result, undefined]);
  }
  expect(Object.keys(expected.updates).length).toBeGreaterThan(0);
  const isParameter = new Set(
    graphs.train.states.flatMap(({ value, role }) => (role === 'parameter' ? value.name : [])),
  );
  for (const [state, wanted] of Object.entries(expected.updates)) {
    const tolerance = isParameter.has(state) ? parameters : slots;
    expect([state, difference(session.readState(state), wanted, tolerance)]).toEqual([state, undefined]);
  }

  const pictures = feedsOf(graphs.predict, {});
  const outputs = interpret(graphs.predict, pictures, statesNow()).results;
  const predicted = await session.run('predict', 1, native(pictures));
  for (const [result, wanted] of Object.entries(outputs)) {
    expect([result, difference(predicted.outputs[result], wanted, 1e-5)]).toEqual([result, undefined]);
  }
  session.close();
});
