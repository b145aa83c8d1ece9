/**
 * The samples of layers, losses and metrics as whole graphs: lowered the way a model is, from the fields as a user
 * writes them, with the gradients of one scalar objective. What each of them owes is in `checkSample`.
 */
import { differentiate } from '../../compiler/autodiff/differentiate';
import type { Described, Sample, SampleInput } from '../../compiler/frontend/describe';
import { loadSpecText } from '../../compiler/frontend/load';
import { DTYPE_WORDS } from '../../compiler/frontend/language';
import type { Mode } from '../../compiler/frontend/spec';
import type { Graph, Value } from '../../compiler/ir/graph';
import { elementCount, isFloat, type Shape } from '../../compiler/ir/types';
import { lowerTerms, RNG } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import type { RefTensor } from '../../compiler/ops/define';
import { runPipeline } from '../../compiler/pipeline';
import { interpret } from '../../compiler/reference/interpret';
import { compareDerivatives } from './finite-differences';
import { difference, runNatively } from './native';
import { generator, shuffled } from './samples';

export type Kind = 'layer' | 'loss' | 'metric';

export interface Case {
  readonly graph: Graph;
  /** Inputs and parameters whose gradient `d_<name>` is a result. */
  readonly wrt: readonly Value[];
  readonly feeds: Readonly<Record<string, RefTensor>>;
  readonly states: Readonly<Record<string, RefTensor>>;
}

export const modesOf = (kind: Kind, sample: Sample): readonly Mode[] =>
  sample.modes ?? (kind === 'layer' ? ['train', 'predict'] : ['eval']);

export function titleOf(sample: Sample): string {
  const shapes = sample.inputs.map(({ shape, dtype }) => `${dtype ?? ''}[${shape.join(',')}]`).join(' ');
  return `${sample.name ?? ''} ${shapes} ${JSON.stringify(sample.fields ?? {})}`.trim();
}

/** A model file of the one thing. */
export function modelText(kind: Kind, def: Described, sample: Sample): string {
  const names = sample.inputs.map((_, i) => `in${i}`);
  const declared = names.map((name, i) => {
    const { shape, dtype } = sample.inputs[i] as SampleInput;
    return [name, { shape, ...(dtype === undefined ? {} : { dtype }) }] as const;
  });
  const item = {
    ...sample.fields,
    type: def.type,
    name: 'y',
    ...(names.length > 0 ? { inputs: sample.through?.inputs ?? names } : {}),
  };
  // A model has an input and a layer, even if what is tested takes none.
  const inputs = names.length > 0 ? Object.fromEntries(declared) : { unused: { shape: ['N', 1] } };
  const first = names[0] ?? 'unused';
  const before = sample.through?.layers ?? [];
  const layers = [...before, kind === 'layer' ? item : { name: 'none', type: 'identity', inputs: first }];
  const terms = kind === 'layer' ? {} : { [kind === 'loss' ? 'losses' : 'metrics']: [item] };
  return JSON.stringify({ inputs, layers, outputs: [kind === 'layer' ? 'y' : 'none'], ...terms });
}

/** The tensor that a sample's input says, from a seed. */
export function tensorOf(
  { dtype = 'float32', range, values, separated }: SampleInput,
  shape: Shape,
  seed: number,
): RefTensor {
  const type = { dtype: DTYPE_WORDS[dtype] ?? 'f32', shape };
  const random = generator(seed);
  const count = elementCount(shape);
  const ranks = shuffled(count, random);
  const draw = (i: number): number => {
    if (values) return values[i % values.length] ?? 0;
    if (type.dtype === 'bool') return random() < 0.5 ? 0 : 1;
    const [low, high] = range ?? (isFloat(type.dtype) ? [-1, 1] : [0, 2]);
    if (!isFloat(type.dtype)) return Math.floor(low + (high - low + 1) * random());
    return Math.fround(low + (high - low) * (separated ? ((ranks[i] ?? 0) + 0.3) / count : random()));
  };
  return { type, data: Float64Array.from({ length: count }, (_, i) => draw(i)) };
}

/** Names of states that only make sense above zero. */
const POSITIVE = /(variance|gamma|gain|sigma|scale)$/;

/** A parameter or buffer, from a seed. */
export function stateOf({ name, type }: Value, seed: number): RefTensor {
  const random = generator(seed);
  const draw = (): number => Math.fround(POSITIVE.test(name) ? 0.5 + random() : 1.2 * random() - 0.6);
  return { type, data: Float64Array.from({ length: elementCount(type.shape) }, draw) };
}

/** The scalar whose gradients are taken: every floating-point result, weighted by fixed numbers, summed up. */
function objectiveOf(model: ModelLowering, results: readonly Value[]): Value {
  const { b } = model;
  b.prefix = 'objective';
  const random = generator(11);
  const parts = results
    .filter(({ type }) => type.dtype === 'f32')
    .map((value) => {
      const { shape } = value.type;
      const weights = Array.from({ length: elementCount(shape) }, () => Math.fround(2 * random() - 1));
      const axes = shape.map((_, axis) => axis);
      const weighted = b.op('mul', [value, b.constant(weights, shape)]);
      return axes.length === 0 ? weighted : b.op('reduce_sum', [weighted], { axes, keepdims: false });
    });
  return parts.reduce((sum, part) => b.op('add', [sum, part]), b.full(0));
}

export function caseOf(kind: Kind, def: Described, sample: Sample, batch: number, mode: Mode): Case {
  const spec = loadSpecText(modelText(kind, def, sample), `${def.type}.json`);
  const model = new ModelLowering(spec, { batch, mode, everyLayer: true, ownInputs: { rng: RNG } });
  const { b } = model;
  let roots: Value[];
  if (kind === 'layer') {
    model.lowerLayers(['y']);
    model.parameters.finish();
    model.problems.throwIfErrors();
    roots = [...(model.outputs.get(spec.layers.at(-1)!) ?? [])];
    roots.forEach((value, k) => b.result(`y${k}`, value));
  } else {
    lowerTerms(model);
    model.problems.throwIfErrors();
    roots = b.results.filter(({ name }) => !name.startsWith('metrics/')).map(({ value }) => value);
  }
  const floats = sample.inputs.flatMap(({ dtype = 'float32' }, i) => (dtype === 'float32' ? [i] : []));
  const inputs = (sample.wrt ?? floats).map((i) => model.values.get(`in${i}`)!);
  const trained = [...model.parameters.infos.values()].filter(({ role, frozen }) => role === 'parameter' && !frozen);
  const wrt = kind === 'metric' ? [] : [...inputs, ...(sample.parameters === false ? [] : trained.map((s) => s.value))];
  const objective = objectiveOf(model, roots);
  b.result('objective', objective);
  differentiate(b, objective, wrt).forEach((gradient, i) => {
    if (gradient) b.result(`d_${wrt[i]!.name}`, gradient);
  });
  const feeds = Object.fromEntries(
    b.inputs.map(({ name, type }, i) => {
      if (name === 'rng') return [name, { type, data: Float64Array.of(5, 1) }];
      const input = sample.inputs[Number(name.slice(2))] ?? { shape: type.shape };
      return [name, tensorOf(input, type.shape, 100 + i)];
    }),
  );
  const states = Object.fromEntries(b.states.map(({ value }, i) => [value.name, stateOf(value, 200 + i)]));
  return { graph: b.build(), wrt, feeds, states };
}

/** Everything that is wrong with a sample, in words; nothing if it holds. */
export async function checkSample(kind: Kind, def: Described, sample: Sample, batch: number, mode: Mode) {
  const { graph, wrt, feeds, states } = caseOf(kind, def, sample, batch, mode);
  const expected = interpret(graph, feeds, states);
  const tensorsOf = ({ results, updates }: typeof expected): [string, RefTensor][] => [
    ...Object.entries(results),
    ...Object.entries(updates),
  ];
  const wrong: string[] = [];
  for (const [name, { data }] of Object.entries(expected.results)) {
    if (data.some(Number.isNaN)) wrong.push(`${name} holds NaN`);
  }

  const at = (tensors: readonly RefTensor[]): number => {
    const moved = Object.fromEntries(wrt.map((value, i) => [value.name, tensors[i] as RefTensor]));
    return interpret(graph, { ...feeds, ...moved }, { ...states, ...moved }).results['objective']?.data[0] ?? NaN;
  };
  const derivatives = compareDerivatives(
    at,
    wrt.map(({ name }) => (feeds[name] ?? states[name]) as RefTensor),
    wrt.map((_, i) => i),
    wrt.map(({ name }) => expected.results[`d_${name}`]?.data),
    1e-5,
  );
  for (const { what, expected: slope, found, allowed } of derivatives) {
    if (!(Math.abs(slope - found) <= allowed)) wrong.push(`gradient, ${what}: ${found} instead of ${slope}`);
  }

  const tolerance = sample.tolerance ?? 1e-4;
  for (const [how, compiled] of [
    ['as lowered', graph],
    ['optimized', runPipeline(graph).graph],
  ] as const) {
    if (how === 'optimized') {
      const optimized = new Map(tensorsOf(interpret(compiled, feeds, states)));
      for (const [name, tensor] of tensorsOf(expected)) {
        const found = optimized.get(name);
        const off = found?.data.findIndex((x, i) => !near(x, tensor.data[i] ?? NaN, tensor.data));
        if (off === undefined || off >= 0) wrong.push(`${name}, optimized in float64, element ${off}`);
      }
    }
    const native = await runNatively(compiled, feeds, states, 2);
    for (const [name, tensor] of tensorsOf(expected)) {
      const problem = difference(native.results[name] ?? native.states[name], tensor, tolerance);
      if (problem !== undefined) wrong.push(`${name}, natively, ${how}: ${problem}`);
    }
  }
  return wrong;
}

function near(found: number, wanted: number, all: Float64Array): boolean {
  const scale = all.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3);
  return Object.is(found, wanted) || Math.abs(found - wanted) <= 1e-6 * scale;
}
