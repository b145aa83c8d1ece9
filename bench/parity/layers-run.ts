/**
 * Runs every sample of every layer natively, optimized, and the cases that come as JSON on standard input; prints inputs,
 * weights, outputs and gradients, for layers.py. The objective is that of the registry's tests: every output times fixed
 * numbers, summed up. Gradients are taken of every floating-point input and weight, also where a sample spares the
 * finite differences some.
 */
import { readFileSync } from 'node:fs';
import type { Described, Sample } from '../../compiler/frontend/describe';
import type { Json, Mode } from '../../compiler/frontend/spec';
import { elementCount } from '../../compiler/ir/types';
import type { LayerDef } from '../../compiler/layers/define';
import { LAYERS } from '../../compiler/layers/index';
import { openRuntime } from '../../compiler/native/runtime';
import type { RefTensor } from '../../compiler/ops/define';
import { runPipeline } from '../../compiler/pipeline';
import { planPrograms } from '../../compiler/plan/build';
import { encodePlan } from '../../compiler/plan/encode';
import { fromNative, toNative } from '../../test/support/native';
import { caseOf, modesOf } from '../../test/support/registry';
import { generator } from '../../test/support/samples';

interface Given {
  readonly type: keyof typeof LAYERS;
  readonly sample: Sample;
  readonly mode: Mode;
}

/** `types` alone where there are some, else every layer. */
interface Request {
  readonly types: readonly string[];
  readonly cases: readonly Given[];
}

const BATCH = 3;
const runtime = openRuntime({ threads: 2 });

/** JSON has neither NaN nor infinities: these go as words. */
const listed = ({ type, data }: RefTensor): object => ({
  shape: type.shape,
  dtype: type.dtype,
  values: Array.from(data, (x) => (Number.isFinite(x) ? x : String(x))),
});

const allListed = (tensors: Readonly<Record<string, RefTensor>>): object =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, listed(tensor)]));

/** The fields with the defaults of the definition. */
function filled(def: Described, fields: Sample['fields'] = {}): Readonly<Record<string, Json | undefined>> {
  const defaults = Object.entries(def.fields).map(([name, schema]) => [name, schema.default] as const);
  return { ...Object.fromEntries(defaults), ...fields };
}

/** What finite differences are spared (kinks, gradients that are not the slope) is still to agree with PyTorch. */
function unspared({ inputs, fields, through }: Sample): Sample {
  return { inputs, ...(fields && { fields }), ...(through && { through }) };
}

async function run({ type, sample, mode }: Given): Promise<object> {
  const def: LayerDef = LAYERS[type];
  // A `while` runs forward alone, and to ask for its gradient is an error.
  const given = type === 'while' ? sample : unspared(sample);
  const { graph, feeds, states, wrt } = caseOf('layer', def, given, BATCH, mode);
  const plan = planPrograms(graph.name, { run: runPipeline(graph).graph });
  const session = runtime.createSession(encodePlan(plan), plan);
  for (const [name, tensor] of Object.entries(states)) session.writeState(name, toNative(tensor));
  const inputs = Object.entries(feeds).map(([name, tensor]) => [name, toNative(tensor)] as const);
  const { ok, outputs } = await session.run('run', 1, Object.fromEntries(inputs));
  const held = Object.values(graph.states).map(({ value }) => [
    value.name,
    fromNative(session.readState(value.name), value.type),
  ]);
  session.close();
  const random = generator(11);
  const results = graph.results.map(({ name, value }) => {
    const weighs = /^y\d+$/.test(name) && value.type.dtype === 'f32';
    const count = elementCount(value.type.shape);
    const weights = weighs ? Array.from({ length: count }, () => Math.fround(2 * random() - 1)) : [];
    const found = outputs[name];
    return [name, { ...(found ? listed(fromNative(found, value.type)) : {}), weights }];
  });
  return {
    type,
    mode,
    name: sample.name ?? '',
    written: sample.fields ?? {},
    fields: filled(def, sample.fields),
    through: sample.through,
    activates: def.activates === true,
    draws: graph.nodes.some(({ inputs: read }) => read.some(({ name }) => name === 'rng')),
    wrt: wrt.map(({ name }) => name),
    ok,
    inputs: allListed(feeds),
    states: allListed(states),
    after: allListed(Object.fromEntries(held) as typeof states),
    results: Object.fromEntries(results) as object,
  };
}

/** The registry's samples; what trains and what predicts are graphs of their own. */
function samplesOf(type: keyof typeof LAYERS): Given[] {
  const { samples = [] }: Described = LAYERS[type];
  return samples.flatMap((sample) => modesOf('layer', sample).map((mode) => ({ type, sample, mode })));
}

async function main(): Promise<void> {
  const { types, cases } = JSON.parse(readFileSync(0, 'utf8')) as Request;
  const all = Object.keys(LAYERS) as (keyof typeof LAYERS)[];
  const wanted = all.filter((type) => types.length === 0 || types.includes(type));
  const results = [];
  for (const given of [...wanted.flatMap(samplesOf), ...cases]) results.push(await run(given));
  process.stdout.write(JSON.stringify({ types: all, results }));
}

void main();
