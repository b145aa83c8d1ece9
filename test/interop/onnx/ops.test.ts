/** Every op that has a translation into ONNX, on the samples of its definition: ONNX Runtime against the reference. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onnxGraph } from '../../../compiler/interop/export/onnx/graph';
import { TRANSLATIONS } from '../../../compiler/interop/export/onnx/ops';
import type { Graph } from '../../../compiler/ir/graph';
import type { OpDef, OpSample } from '../../../compiler/ops/define';
import { OPS } from '../../../compiler/ops/index';
import { interpret } from '../../../compiler/reference/interpret';
import { toNative } from '../../support/native';
import { named, oneOpGraph } from '../../support/one-op';
import { expectClose, needsOnnxRuntime, runAllOnnx, writeGraph, type Answer, type OnnxRun } from '../../support/onnx';
import { sampleInputs, sampleTitle } from '../../support/samples';

jest.setTimeout(120_000);

interface Case {
  readonly name: string;
  readonly graph: Graph;
  readonly sample: OpSample;
}

/** Before the passes that serve the native kernels, and with something to compare. */
function isPlain(graph: Graph): boolean {
  if (graph.nodes.some(({ attrs }) => attrs['layout'] !== undefined)) return false;
  const values = [...graph.inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)];
  return values.every(({ type }) => type.dtype !== 'bf16' && !type.shape.includes(0));
}

const CASES: readonly Case[] = Object.entries<OpDef>(OPS)
  .filter(([name]) => Object.hasOwn(TRANSLATIONS, name))
  .flatMap(([name, def]) =>
    def.samples.map((sample) => ({
      name: `${name}: ${sampleTitle(sample)}`,
      graph: oneOpGraph(def, sample),
      sample,
    })),
  )
  .filter(({ graph }) => isPlain(graph));

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-ops-'));
const answers = new Map<Case, Answer>();

function runOf({ graph, sample }: Case, at: number): OnnxRun {
  const made = onnxGraph([graph], {
    name: 'one',
    tensors: new Map(),
    versions: { least: 18, most: 18 },
    rng: [0n, 0n],
  });
  const model = path.join(folder, `${at}.onnx`);
  writeGraph(model, made);
  const inputs = sampleInputs(sample).map((tensor, i) => ({ name: `x${i}`, ...tensor.type, data: toNative(tensor) }));
  return { model, inputs };
}

const here = needsOnnxRuntime();

beforeAll(() => {
  if (!here) return;
  const runs = CASES.flatMap((each, at) => {
    try {
      return [{ each, run: runOf(each, at) }];
    } catch (error) {
      answers.set(each, { error: String(error) });
      return [];
    }
  });
  const found = runAllOnnx(runs.map(({ run }) => run));
  runs.forEach(({ each }, i) => answers.set(each, found[i]!));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test.each(CASES.map((each) => [each.name, each] as const))('%s', (_, each) => {
  const answer = answers.get(each);
  if (!answer) return;
  const expected = interpret(each.graph, named(sampleInputs(each.sample))).results;
  expectClose(answer, expected, Math.max(2e-5, each.sample.tolerance ?? 0));
});
