/**
 * Layers, losses, metrics, initializers, optimizers and schedules with fields and inputs that they were not made for:
 * every problem has to be a diagnostic with a place, and what is accepted has to compile, and to run where it is small.
 */
import { batchOf, checkLoaded } from '../../compiler/check';
import { compileGraphs } from '../../compiler/compile';
import { InternalError, RuntimeFault, SpecError } from '../../compiler/diagnostics/errors';
import type { Described, FieldSchema, Sample } from '../../compiler/frontend/describe';
import { checkSpecText } from '../../compiler/frontend/load';
import type { Json, Spec } from '../../compiler/frontend/spec';
import { INITIALIZERS } from '../../compiler/initializers/index';
import { bytesOf } from '../../compiler/ir/types';
import { LAYERS } from '../../compiler/layers/index';
import { LOSSES } from '../../compiler/losses/index';
import { summarize } from '../../compiler/lower/summary';
import { METRICS } from '../../compiler/metrics/index';
import { openRuntime, type NativeRuntime, type PortType } from '../../compiler/native/runtime';
import { allocateTensor } from '../../compiler/native/tensors';
import { OPTIMIZERS } from '../../compiler/optimizers/index';
import { encodePlan } from '../../compiler/plan/encode';
import { plannedBytes, type Plan } from '../../compiler/plan/plan';
import { SCHEDULES } from '../../compiler/schedules/index';
import { lowerPrograms } from '../../compiler/train/programs';
import { generator } from '../support/samples';
import type { CampaignDef } from './campaign';
import { below, pick, VALUES, type Random } from './mutate';

/** What is larger is planned and left alone: what is looked for is not the want of memory or time. */
const MAX_FLOPS = 2e7;
const MAX_BYTES = 2 ** 26;

const TERMS: Readonly<Record<string, readonly Described[]>> = {
  layers: Object.values(LAYERS),
  losses: Object.values(LOSSES),
  metrics: Object.values(METRICS),
};
const SECTIONS: Readonly<Record<string, readonly Described[]>> = {
  init: Object.values(INITIALIZERS),
  optimizer: Object.values(OPTIMIZERS),
  schedule: Object.values(SCHEDULES),
};

const NUMBERS = [0, 1, -1, 2, 3, 5, 0.5, -0.5, 1e-30, 1e9, 1e300, -1e9, 2 ** 31, 2 ** 31 - 1, 2 ** 53, 100, 65536];
const DTYPES = ['float32', 'int32', 'int64', 'uint8', 'bool', 'float64', 'bfloat16'];
const EXTENTS = [1, 2, 3, 4, 5, 7, 8, 16, 0, 1000, 65536, 1e9, 2 ** 31];

type Item = Record<string, unknown>;
type Document = Record<string, unknown> & { inputs: Record<string, Item>; layers: Item[] };

export const items: CampaignDef = {
  limit: 60,
  open: () => {
    const runtime = openRuntime({ threads: 2 });
    return Promise.resolve({ run: (seed) => outcomeOf(documentOf(seed), runtime, generator(seed)) });
  },
};

/** The model of a seed. */
export function documentOf(seed: number): Document {
  const random = generator(seed);
  // The first draws of neighbouring seeds are alike.
  random();
  if (random() < 0.12) return sectioned(random);
  const kind = random() < 0.7 ? 'layers' : random() < 0.6 ? 'losses' : 'metrics';
  const def = pick(random, TERMS[kind] ?? []);
  const sample = pick(random, def.samples ?? [{ inputs: [] }]);
  const document = whole(kind, def, sample, random);
  const item = (document[kind] as Item[]).at(-1)!;
  for (let changes = below(random, 4); changes > 0; changes--) {
    if (random() < 0.65) changeField(item, def, random);
    else changeInputs(document, item, random);
  }
  return document;
}

function whole(kind: string, def: Described, sample: Sample, random: Random): Document {
  const names = sample.inputs.map((_, i) => `in${i}`);
  const declared = sample.inputs.map(({ shape, dtype }, i): [string, Item] => [
    `in${i}`,
    { shape: [...shape], ...(dtype === undefined ? {} : { dtype }) },
  ]);
  const inputs = sample.through?.inputs ?? names;
  const item = {
    ...structuredClone(sample.fields),
    type: def.type,
    name: 'y',
    ...(names.length > 0 ? { inputs } : {}),
  };
  const trained = kind !== 'metrics' && random() < 0.5;
  const before = structuredClone(sample.through?.layers ?? []);
  const rest = kind === 'layers' ? item : { name: 'none', type: 'identity', inputs: names[0] ?? 'unused' };
  return {
    inputs: names.length > 0 ? Object.fromEntries(declared) : { unused: { shape: ['N', 1] } },
    layers: [...before, rest],
    outputs: [kind === 'layers' ? 'y' : 'none'],
    ...(kind === 'layers' ? {} : { [kind]: [item] }),
    ...(kind === 'layers' && trained ? { losses: [{ type: 'mean', inputs: ['y'] }] } : {}),
    ...(trained ? { train: trainOf(random) } : {}),
  };
}

const trainOf = (random: Random): Item => ({
  batch_size: pick(random, [1, 2, 3]),
  steps: 2,
  optimizer: { type: 'sgd', lr: 0.1 },
});

/** A small network whose initializer, optimizer or schedule is damaged. */
function sectioned(random: Random): Document {
  const place = pick(random, Object.keys(SECTIONS));
  const def = pick(random, SECTIONS[place] ?? []);
  const section: Item = { type: def.type, ...(place === 'optimizer' && random() < 0.8 ? { lr: 0.1 } : {}) };
  for (let changes = 1 + below(random, 3); changes > 0; changes--) changeField(section, def, random);
  const layers: Item[] = [
    { name: 'a', type: 'conv2d', filters: 3, kernel: 3, ...(place === 'init' ? { init: section } : {}) },
    { name: 'y', type: 'dense', units: 2, ...(place === 'init' && random() < 0.5 ? { init: section } : {}) },
  ];
  return {
    inputs: { in0: { shape: ['N', 2, 5, 5] } },
    layers,
    outputs: ['y'],
    losses: [{ type: 'mean', inputs: ['y'] }],
    train: { ...trainOf(random), ...(place === 'init' ? {} : { [place]: section }) },
  };
}

function changeField(item: Item, def: Described, random: Random): void {
  const fields = Object.keys(def.fields);
  const common = ['parameters', 'frozen', 'when', 'activation', 'outputs', 'weight', 'share', 'axis'];
  const name = fields.length > 0 && random() < 0.97 ? pick(random, fields) : pick(random, common);
  if (random() < 0.1) {
    Reflect.deleteProperty(item, name);
    return;
  }
  const schema = def.fields[name];
  item[name] = random() < 0.75 && schema ? suiting(schema, random) : structuredClone(pick(random, ANY));
}

const ANY: readonly unknown[] = [...VALUES, ...NUMBERS];

/** Of the words, the bounds and the shape that a schema speaks of, what it may allow and just may not. */
export function suiting(schema: FieldSchema, random: Random, depth = 0): unknown {
  const found: unknown[] = [];
  const visit = (part: Json | undefined): void => {
    if (part === null || typeof part !== 'object') return;
    if (Array.isArray(part)) {
      part.forEach(visit);
      return;
    }
    const { enum: words, const: only, type, minimum, maximum, default: usual, items: of } = part as Item;
    if (Array.isArray(words)) found.push(...(words as unknown[]), ...(words as unknown[]));
    if (only !== undefined) found.push(only);
    if (usual !== undefined) found.push(usual);
    const types = [type].flat();
    if (types.includes('boolean')) found.push(true, false);
    if (types.includes('string')) found.push(pick(random, ['x', 'in0', 'relu', 'N', 'x + 1', 'ab,bc->ac', '']));
    if (types.includes('integer')) found.push(...[1, 2, 3, 4], pick(random, NUMBERS));
    if (types.includes('number')) found.push(random(), random(), pick(random, NUMBERS));
    for (const bound of [minimum, maximum]) {
      if (typeof bound === 'number') found.push(bound, bound + 1, bound - 1);
    }
    if (types.includes('array') && depth < 3) {
      const length = pick(random, [0, 1, 2, 2, 3, 4, 5]);
      const one = (of ?? {}) as FieldSchema;
      found.push(Array.from({ length }, () => suiting(one, random, depth + 1)));
      found.push(Array.from({ length }, () => pick(random, [0, 1, 2, 3, -1])));
    }
    for (const key of ['anyOf', 'oneOf', 'allOf']) visit((part as Item)[key] as Json);
  };
  visit(schema as Json);
  return structuredClone(pick(random, found.length > 0 ? found : ANY));
}

function changeInputs({ inputs, layers }: Document, item: Item, random: Random): void {
  const input = pick(random, Object.values(inputs));
  const shape = input['shape'] as unknown[];
  const at = below(random, shape.length);
  switch (below(random, 7)) {
    case 0:
      shape.splice(at, 1);
      break;
    case 1:
      shape.splice(at + 1, 0, pick(random, EXTENTS));
      break;
    case 2:
    case 3:
      if (at > 0 || random() < 0.1) shape[at] = pick(random, EXTENTS);
      break;
    case 4:
      input['dtype'] = pick(random, DTYPES);
      break;
    case 5: {
      const names = [...Object.keys(inputs), ...layers.slice(0, -1).map(({ name }) => name)];
      item['inputs'] = Array.from({ length: below(random, 4) }, () => pick(random, names));
      break;
    }
    default: {
      const same = { ...input, shape: [...shape] };
      inputs['in9'] = same;
      if (Array.isArray(item['inputs'])) (item['inputs'] as unknown[]).push('in9');
    }
  }
}

async function outcomeOf(document: Document, runtime: NativeRuntime, random: Random): Promise<string> {
  const checked = checkSpecText(JSON.stringify(document), 'model.json');
  const diagnostics = checkLoaded(checked);
  for (const { at, message, code } of diagnostics) {
    if (at.line < 1 || at.column < 1 || message === '' || /undefined|\[object|NaN/.test(message))
      throw new InternalError(`a poor diagnostic: ${JSON.stringify({ at, message, code })}`);
  }
  const error = diagnostics.find(({ severity }) => severity === 'error');
  if (error) return error.code;
  const { spec } = checked;
  if (!spec) throw new InternalError('neither a model nor a problem');
  const plan = planOf(spec);
  return plan ? run(plan, runtime, random) : 'accepted: large';
}

function planOf(spec: Spec): Plan | undefined {
  const batch = batchOf(spec);
  try {
    if (summarize(spec, batch).flops > MAX_FLOPS) return undefined;
    const trains = spec.train !== undefined && spec.losses.length > 0;
    const wanted = { init: true, predict: [batch], eval: [batch], train: trains ? [batch] : [] };
    return compileGraphs(spec.name, lowerPrograms(spec, wanted)).plan;
  } catch (error) {
    // What validate accepts must compile.
    if (error instanceof SpecError) throw new InternalError(`valid, but does not compile: ${error.message}`);
    throw error;
  }
}

async function run(plan: Plan, runtime: NativeRuntime, random: Random): Promise<string> {
  const blob = encodePlan(plan);
  if (plan.programs.some((program) => plannedBytes(plan, program) > MAX_BYTES)) return 'compiled: large';
  const session = runtime.createSession(blob, plan);
  try {
    const names = session.programs.map(({ name }) => name);
    for (const name of names.sort((a, b) => Number(b === 'init') - Number(a === 'init'))) {
      const inputs = session.programs.find((program) => program.name === name)?.inputs ?? [];
      if (inputs.reduce((sum, port) => sum + bytesOf(port), 0) > MAX_BYTES) return 'compiled: large';
      const feeds = Object.fromEntries(inputs.map((port) => [port.name, feedOf(port, random)]));
      const result = await session.run(name, 1, feeds);
      if (!result.ok) return `ran: ${result.kind}`;
    }
    return 'ran';
  } catch (error) {
    if (error instanceof RuntimeFault && error.code === 'out-of-memory') return 'ran: out of memory';
    throw error;
  } finally {
    session.close();
  }
}

function feedOf(port: PortType, random: Random): ReturnType<typeof allocateTensor> {
  const data = allocateTensor(port, 1);
  for (let i = 0; i < data.length; i++) {
    const x = random() * 3 - (port.dtype === 'f32' && port.name.startsWith('in') ? 1 : 0);
    data[i] = data instanceof BigInt64Array ? BigInt(Math.floor(x)) : x;
  }
  return data;
}
