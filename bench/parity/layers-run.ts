/**
 * Runs the layers that come as JSON on standard input natively, optimized, and prints inputs, weights, outputs and
 * gradients, for layers.py. The objective is that of the registry's tests: every output times fixed numbers, summed up.
 */
import { readFileSync } from 'node:fs';
import type { Described, Sample } from '../../compiler/frontend/describe';
import type { Mode } from '../../compiler/frontend/spec';
import { elementCount } from '../../compiler/ir/types';
import { LAYERS } from '../../compiler/layers/index';
import { openRuntime } from '../../compiler/native/runtime';
import type { RefTensor } from '../../compiler/ops/define';
import { runPipeline } from '../../compiler/pipeline';
import { planPrograms } from '../../compiler/plan/build';
import { encodePlan } from '../../compiler/plan/encode';
import { fromNative, toNative } from '../../test/support/native';
import { caseOf } from '../../test/support/registry';
import { generator } from '../../test/support/samples';

interface Given {
  readonly type: keyof typeof LAYERS;
  readonly sample: Sample;
  readonly mode: Mode;
}

const BATCH = 3;
const runtime = openRuntime({ threads: 2 });

const listed = ({ type, data }: RefTensor): object => ({ shape: type.shape, dtype: type.dtype, values: [...data] });

async function run({ type, sample, mode }: Given): Promise<object> {
  const def: Described = LAYERS[type];
  const { graph, feeds, states } = caseOf('layer', def, sample, BATCH, mode);
  const plan = planPrograms(graph.name, { run: runPipeline(graph).graph });
  const session = runtime.createSession(encodePlan(plan), plan);
  for (const [name, tensor] of Object.entries(states)) session.writeState(name, toNative(tensor));
  const inputs = Object.entries(feeds).map(([name, tensor]) => [name, toNative(tensor)] as const);
  const { ok, outputs } = await session.run('run', 1, Object.fromEntries(inputs));
  session.close();
  const random = generator(11);
  const results = graph.results.map(({ name, value }) => {
    const weighs = /^y\d+$/.test(name) && value.type.dtype === 'f32';
    const count = elementCount(value.type.shape);
    const weights = weighs ? Array.from({ length: count }, () => Math.fround(2 * random() - 1)) : [];
    const found = outputs[name];
    return [name, { ...(found ? listed(fromNative(found, value.type)) : {}), weights }];
  });
  const all = (tensors: typeof feeds): object =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, listed(tensor)]));
  return { ok, inputs: all(feeds), states: all(states), results: Object.fromEntries(results) as object };
}

async function main(): Promise<void> {
  const results = [];
  for (const given of JSON.parse(readFileSync(0, 'utf8')) as readonly Given[]) results.push(await run(given));
  process.stdout.write(JSON.stringify(results));
}

void main();
