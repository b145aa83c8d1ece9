/**
 * Norms that are folded into weights, what convolutions take in of the sums and activations behind them, and what is made
 * of weights once: the same predictions as without, whatever writes the weights in between, at any number of threads, and
 * nothing of it is left in a call.
 */
import path from 'node:path';
import { compileGraphs } from '../../compiler/compile';
import { loadSpec } from '../../compiler/frontend/load';
import type { Graph } from '../../compiler/ir/graph';
import { elementCount } from '../../compiler/ir/types';
import { optimizerScalars } from '../../compiler/lower/learning_rate';
import { lowerInit, lowerModel, lowerTraining } from '../../compiler/lower/lower';
import type { NativeSession, TensorData } from '../../compiler/native/runtime';
import { allocateTensor } from '../../compiler/native/tensors';
import { encodePlan } from '../../compiler/plan/encode';
import { plannedBytes, type Plan } from '../../compiler/plan/plan';
import { difference, fromNative, runtimeWith } from '../support/native';
import { generator } from '../support/samples';

const BATCH = 2;
const TOLERANCE = 1e-5;
const SPREAD: Readonly<Record<string, readonly [number, number]>> = {
  gamma: [0.5, 1.5],
  variance: [0.5, 2],
  mean: [-0.3, 0.3],
  beta: [-0.3, 0.3],
};

// A whole residual network is trained and asked some times.
jest.setTimeout(120_000);

/** The model's programs over one set of states, whole and with nothing moved out of prediction or into convolutions. */
function plansOf(model: string) {
  const spec = loadSpec(path.resolve(__dirname, `../../models/${model}.yaml`));
  const train = lowerTraining(spec, BATCH);
  const predict = lowerModel(spec, { batch: BATCH, mode: 'predict' });
  const graphs = { init: lowerInit(spec, [train, predict]).graph, train: train.graph, predict: predict.graph };
  const scalars = { lr: 1e-3, ...(spec.train && optimizerScalars(spec.train, 1)) };
  const feeds = (program: 'train' | 'predict') => feedsOf(graphs[program], scalars);
  const whole = compileGraphs(model, graphs).plan;
  const plain = compileGraphs(model, graphs, { disable: ['fold_norms', 'fuse_epilogues', 'prepare'] }).plan;
  return { feeds, whole, plain };
}

function feedsOf(graph: Graph, scalars: Readonly<Record<string, number>>): Record<string, TensorData> {
  const random = generator(7);
  const feeds = graph.inputs.map(({ name, type }): [string, TensorData] => {
    if (name === 'rng') return [name, BigInt64Array.of(7n, 1n)];
    const data = allocateTensor({ name, ...type }) as Float32Array;
    for (let i = 0; i < data.length; i++) {
      data[i] = scalars[name] ?? (type.dtype === 'f32' ? random() : Math.floor(10 * random()));
    }
    return [name, data];
  });
  return Object.fromEntries(feeds);
}

function open(plan: Plan, threads = 2): NativeSession {
  return runtimeWith(threads).createSession(encodePlan(plan), plan);
}

async function predictions(session: NativeSession, feeds: Record<string, TensorData>) {
  const result = await session.run('predict', 1, feeds);
  expect(result).toMatchObject({ ok: true });
  return result.outputs;
}

/** Statistics, scales and shifts as training may leave them. */
function stir(session: NativeSession, seed: number): void {
  const random = generator(seed);
  for (const { name, shape } of session.states) {
    const [low, high] = SPREAD[name.slice(name.lastIndexOf('.') + 1)] ?? [];
    if (low === undefined || high === undefined) continue;
    session.writeState(
      name,
      Float32Array.from({ length: elementCount(shape) }, () => low + (high - low) * random()),
    );
  }
}

function copyStates(from: NativeSession, to: NativeSession): void {
  for (const { name } of from.states) to.writeState(name, from.readState(name));
}

describe.each(['lenet', 'resnet20', 'mobilenet_v2'])('%s', (model) => {
  const { feeds, whole, plain } = plansOf(model);
  const predict = whole.programs.find(({ name }) => name === 'predict')!;
  const norms = whole.states.some(({ name }) => name.endsWith('.variance'));

  test('predicts as without, after every change of the weights', async () => {
    const [session, reference, alone] = [open(whole), open(plain), open(whole, 1)];
    const image = feeds('predict');
    const agree = async (): Promise<Record<string, TensorData>> => {
      copyStates(session, reference);
      copyStates(session, alone);
      const [found, expected] = [await predictions(session, image), await predictions(reference, image)];
      for (const port of session.program('predict').outputs) {
        const wanted = fromNative(expected[port.name]!, port);
        expect([port.name, difference(found[port.name], wanted, TOLERANCE)]).toEqual([port.name, undefined]);
      }
      expect(await predictions(session, image)).toEqual(found);
      expect(await predictions(alone, image)).toEqual(found);
      return found;
    };
    const rng = BigInt64Array.of(7n, 0n);
    expect(await session.run('init', 1, { rng })).toMatchObject({ ok: true });
    const seen = [await agree()];
    stir(session, 1);
    seen.push(await agree());
    for (let step = 0; step < 2; step++) {
      expect(await session.run('train', 1, feeds('train'))).toMatchObject({ ok: true });
      seen.push(await agree());
    }
    // Each change was to be seen; only norms have something to stir.
    const differing = new Set(
      seen.map((outputs) => JSON.stringify(Object.values(outputs).map((y) => [...y].map(Number)))),
    );
    expect(differing.size).toBe(norms ? 4 : 3);
    for (const one of [session, reference, alone]) one.close();
  });

  test('has no arithmetic on weights left in a call', () => {
    const readers = predict.steps.filter(({ inputs }) => inputs.some((i) => predict.tensors[i]?.space === 'state'));
    expect([...new Set(readers.map(({ op }) => op))].sort()).toEqual(['conv', 'matmul']);
    expect(whole.programs.map(({ name }) => name)).toEqual(['init', 'train', 'predict', 'prepare']);
  });

  test('keeps derived states to itself and within four times the bytes of the weights', () => {
    const session = open(whole);
    expect(session.states.map(({ name }) => name)).toEqual(plain.states.map(({ name }) => name));
    const bytes = whole.stateBytes - plain.stateBytes;
    expect([bytes > 0, whole.derived.length > 0]).toEqual([true, true]);
    // Each weight has its momentum beside it.
    expect(bytes).toBeLessThanOrEqual(2 * plain.stateBytes);
    const { allocatedBytes } = session.memory();
    expect(allocatedBytes).toBe(Math.max(...whole.programs.map((program) => plannedBytes(whole, program))));
    session.close();
  });
});
