/**
 * Every layer on the samples of its definition, as an ONNX graph whose batch is a symbol, run by ONNX Runtime with a
 * batch of two against the reference. What ONNX cannot say, or says for one batch size alone, is listed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { optimizeGraphs } from '../../../compiler/compile';
import { SpecError } from '../../../compiler/diagnostics/errors';
import type { Described, Sample } from '../../../compiler/frontend/describe';
import { loadSpecText } from '../../../compiler/frontend/load';
import { BATCHES, BatchError } from '../../../compiler/interop/export/onnx/extents';
import { onnxGraph } from '../../../compiler/interop/export/onnx/graph';
import { NATIVE_PASSES } from '../../../compiler/interop/export/prediction';
import type { Graph } from '../../../compiler/ir/graph';
import { LAYERS } from '../../../compiler/layers/index';
import { lowerModel } from '../../../compiler/lower/lower';
import type { RefTensor } from '../../../compiler/ops/define';
import { interpret } from '../../../compiler/reference/interpret';
import { programName } from '../../../compiler/train/programs';
import { toNative } from '../../support/native';
import { expectClose, needsOnnxRuntime, runAllOnnx, writeGraph, type Answer, type OnnxRun } from '../../support/onnx';
import { modelText, modesOf, stateOf, tensorOf, titleOf } from '../../support/registry';

jest.setTimeout(240_000);

const BATCH = 2;
const RNG = [5n, 1n] as const;

interface Case {
  readonly title: string;
  readonly def: Described;
  readonly sample: Sample;
}

const CASES: readonly Case[] = Object.values<Described>(LAYERS).flatMap((def) =>
  (def.samples ?? [])
    .filter((sample) => modesOf('layer', sample).includes('predict'))
    .map((sample) => ({ title: `${def.type}: ${titleOf(sample)}`, def, sample })),
);

/** Layers, or samples of theirs, with what the refusal or the fixed batch says. */
const REFUSED: Readonly<Record<string, string>> = {
  'drop_block: [N,3,5,5] {"rate":0.3,"block":2,"shared_channels":true,"always":true}':
    'numbers that depend on the batch',
  match_boxes: 'needs match_boxes, which has no counterpart in ONNX',
};

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-layers-'));
const answers = new Map<Case, Answer>();

interface Prepared {
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, RefTensor>>;
  readonly states: Readonly<Record<string, RefTensor>>;
}

function prepare({ def, sample }: Case): Prepared {
  const spec = loadSpecText(modelText('layer', def, sample), `${def.type}.json`);
  const { graph } = lowerModel(spec, { batch: BATCH, mode: 'predict' });
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, type }, i) => {
      if (name === 'rng') return [name, { type, data: Float64Array.from(RNG, Number) }];
      return [name, tensorOf(sample.inputs[Number(name.slice(2))] ?? { shape: type.shape }, type.shape, 100 + i)];
    }),
  );
  const states = Object.fromEntries(graph.states.map(({ value }, i) => [value.name, stateOf(value, 200 + i)]));
  return { graph, feeds, states };
}

function runOf(each: Case, at: number): OnnxRun {
  const { def, sample } = each;
  const { feeds, states } = prepare(each);
  const spec = loadSpecText(modelText('layer', def, sample), `${def.type}.json`);
  const follows = sample.inputs.some(({ shape }) => shape.includes('N'));
  const lowered = (follows ? BATCHES : [BATCH]).map((batch) => {
    const name = programName('predict', batch);
    const { graph } = lowerModel(spec, { batch, mode: 'predict' });
    return optimizeGraphs({ [name]: graph }, { disable: [...NATIVE_PASSES, 'fuse_attention', 'fuse_elementwise'] })
      .optimized[name]!;
  });
  const tensors = Object.entries(states).map(([name, tensor]) => ({ name, ...tensor.type, data: toNative(tensor) }));
  const made = onnxGraph(lowered as [Graph, ...Graph[]], {
    name: def.type,
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    versions: { least: 18, most: 18 },
    rng: RNG,
  });
  const model = path.join(folder, `${at}.onnx`);
  writeGraph(model, made);
  const inputs = made.graph.inputs.flatMap(({ name }) => {
    const tensor = feeds[name]!;
    return name === 'rng' ? [] : [{ name, ...tensor.type, data: toNative(tensor) }];
  });
  return { model, inputs };
}

beforeAll(() => {
  if (!needsOnnxRuntime()) return;
  const runs = CASES.flatMap((each, at) => {
    try {
      return [{ each, run: runOf(each, at) }];
    } catch (error) {
      const known = error instanceof SpecError || error instanceof BatchError;
      answers.set(each, { error: known ? error.message : String((error as Error).stack) });
      return [];
    }
  });
  const found = runAllOnnx(runs.map(({ run }) => run));
  runs.forEach(({ each }, i) => answers.set(each, found[i]!));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test.each(CASES.map((each) => [each.title, each] as const))('%s', (_, each) => {
  const answer = answers.get(each);
  if (!answer) return;
  const refused = REFUSED[each.title] ?? REFUSED[each.def.type];
  if ('error' in answer) {
    expect(answer.error).toContain(refused ?? 'nothing');
    return;
  }
  expect(refused).toBeUndefined();
  const { graph, feeds, states } = prepare(each);
  expectClose(answer, interpret(graph, feeds, states).results, Math.max(1e-4, each.sample.tolerance ?? 0));
});
