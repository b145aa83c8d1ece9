/**
 * Executed examples of the reference: what a word's own example makes of inputs like those of its first sample. Layers
 * show the shapes of their outputs and weights, losses and metrics a value, optimizers what they do to one weight,
 * schedules their factors, initializers what they draw.
 */
import { parse } from 'yaml';
import type { Described, Sample, SampleInput } from '../frontend/describe';
import { loadSpecText } from '../frontend/load';
import { DTYPE_WORDS } from '../frontend/language';
import type { Fields } from '../frontend/spec';
import { elementCount, isFloat, type Shape } from '../ir/types';
import { stepInputs } from '../lower/learning_rate';
import { lowerInit, lowerTerms, lowerTraining, RNG } from '../lower/lower';
import { ModelLowering } from '../lower/model';
import { resultOfBatch } from '../metrics/batch';
import type { RefTensor } from '../ops/define';
import { interpret } from '../reference/interpret';

const INPUT: SampleInput = { shape: ['N', 8, 16, 16] };
/** A model has an input, even if the layer takes none. */
const UNUSED: Inputs = [['x', { shape: ['N', 1] }]];

type Through = NonNullable<Sample['through']>;
type Inputs = readonly (readonly [string, SampleInput])[];

/** The inputs that the example names; undefined where it takes those that come. */
function namesIn({ example }: Described): readonly string[] | undefined {
  const { inputs } = parse(example) as { readonly inputs?: string | readonly string[] };
  return typeof inputs === 'string' ? [inputs] : inputs;
}

/** The example on the inputs of its first sample; of a later one, where the first has other fields that matter. */
function onSample(def: Described, work: (inputs: Inputs) => string): string {
  const [first, ...others] = (def.samples ?? []).map(({ inputs }) => inputs);
  try {
    return work(inputsOf(def, first));
  } catch (error) {
    for (const inputs of others) {
      try {
        return work(inputsOf(def, inputs));
      } catch {
        continue;
      }
    }
    throw error;
  }
}

/** The model inputs that the example names, as a sample has them. */
function inputsOf(def: Described, given: readonly SampleInput[] = [INPUT]): Inputs {
  if (given.length === 0) return UNUSED;
  const list = namesIn(def);
  return given.map((input, i) => [list?.[i] ?? (given.length === 1 ? 'x' : `x${i}`), input]);
}

function declared(inputs: Inputs): string {
  const lines = inputs.map(([name, { shape, dtype = 'float32' }]) => {
    return `  ${name}: {shape: [${shape.join(', ')}]${dtype === 'float32' ? '' : `, dtype: ${dtype}`}}\n`;
  });
  return `inputs:\n${lines.join('')}`;
}

const fence = (language: string, text: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

/** Shapes as users write them: what grows with the batch is a multiple of N. */
function symbolic(small: Shape, large: Shape): string {
  const extents = small.map((extent, axis) => {
    if (extent === large[axis]) return String(extent);
    const factor = extent / 2;
    return factor === 1 ? 'N' : `${factor}·N`;
  });
  return `[${extents.join(', ')}]`;
}

interface Shapes {
  readonly outputs: readonly (readonly [string, Shape])[];
  readonly weights: readonly (readonly [string, Shape])[];
}

function shapesOf(text: string, batch: number): Shapes {
  const spec = loadSpecText(text, 'example.yaml');
  const model = new ModelLowering(spec, { batch, mode: 'train', everyLayer: true, ownInputs: { rng: RNG } });
  const last = spec.layers.at(-1)!;
  model.lowerLayers([last.name]);
  model.parameters.finish();
  model.problems.throwIfErrors();
  const values = model.outputs.get(last) ?? [];
  const named = new Map([...model.values].map(([name, value]) => [value, name]));
  return {
    outputs: values.map((value, i) => [i === 0 ? last.name : (named.get(value) ?? last.name), value.type.shape]),
    weights: [...model.parameters.infos.values()].map(({ value }) => [value.name, value.type.shape]),
  };
}

export function workedLayer(def: Described): string {
  const [sample] = def.samples ?? [];
  if (sample?.through !== undefined) return layerThrough(def, sample.inputs, sample.through);
  return onSample(def, (inputs) => layerOn(def, inputs));
}

function layerOn(def: Described, inputs: Inputs): string {
  const text = `${declared(inputs)}layers:\n  - ${def.example}\n`;
  return `${fence('yaml', text)}\n\n${gives(text, inputs)}`;
}

/** Where a sample has layers between the inputs and what it tests, they stand before the example. */
function layerThrough(def: Described, inputs: readonly SampleInput[], through: Through): string {
  const named: Inputs = inputs.map((input, i) => [`in${i}`, input]);
  const example = parse(def.example) as Fields;
  const layers = [...through.layers, { ...example, inputs: through.inputs }];
  const list = layers.map((layer) => `  - ${JSON.stringify(layer)}\n`);
  const text = `${declared(named)}layers:\n${list.join('')}`;
  return `${fence('yaml', `layers:\n  - ${def.example}`)}\n\n${gives(text, named)}`;
}

/** The shapes of what the last layer of a model gives, and of all weights. */
function gives(text: string, inputs: Inputs): string {
  // Where an input says its batch, there is only this one.
  const fixed = inputs.map(([, { shape }]) => shape[0]).find((extent) => typeof extent === 'number');
  const [small, large] = [shapesOf(text, fixed ?? 2), shapesOf(text, fixed ?? 4)];
  const list = (part: keyof Shapes): string =>
    small[part].map(([name, shape], i) => `\`${name}\` ${symbolic(shape, large[part][i]![1])}`).join(', ');
  const weights = small.weights.length === 0 ? '' : ` Weights and buffers: ${list('weights')}.`;
  return `Gives ${list('outputs')}.${weights}`;
}

/** Numbers without a pattern that could flatter a formula, with two decimals. */
function tensorOf({ dtype = 'float32', range, values }: SampleInput, shape: Shape, which = 0): RefTensor {
  const type = { dtype: DTYPE_WORDS[dtype] ?? 'f32', shape };
  const [low, high] = range ?? (isFloat(type.dtype) ? [-1, 1] : [0, type.dtype === 'bool' ? 1 : 2]);
  const draw = (i: number): number => {
    if (values) return values[i % values.length] ?? 0;
    const share = ((i + 1) * 0.618034 + which * 0.137) % 1;
    return isFloat(type.dtype)
      ? Math.round((low + (high - low) * share) * 100) / 100
      : Math.floor(low + (high - low + 1) * share);
  };
  return { type, data: Float64Array.from({ length: elementCount(shape) }, (_, i) => draw(i)) };
}

const MOST_SHOWN = 30;

/** `number(2/3)` → 0.6667 */
function number(x: number): string {
  return String(Number(x.toPrecision(4)));
}

/** A loss or metric on a batch of 2: the numbers that go in, and the figure. */
export function workedTerm(kind: 'losses' | 'metrics', def: Described): string {
  // What compares layers that the example does not have is shown without a figure.
  if (def.samples?.[0]?.through !== undefined) return '';
  return onSample(def, (inputs) => termOn(kind, def, inputs));
}

function termOn(kind: 'losses' | 'metrics', def: Described, inputs: Inputs): string {
  const example = def.example.includes('inputs:')
    ? def.example
    : def.example.replace(/}$/, `, inputs: [${inputs.map(([name]) => name).join(', ')}]}`);
  const first = inputs[0]![0];
  const text = `${declared(inputs)}layers:\n  - {name: passed, type: identity, inputs: ${first}}\n${kind}:\n  - ${example}\n`;
  const spec = loadSpecText(text, 'example.yaml');
  const model = new ModelLowering(spec, { batch: 2, mode: 'eval', everyLayer: true, ownInputs: { rng: RNG } });
  lowerTerms(model);
  model.problems.throwIfErrors();
  const { b } = model;
  const given = new Map(inputs);
  const feeds = Object.fromEntries(
    b.inputs.map(({ name, type }, i) => [name, tensorOf(given.get(name) ?? INPUT, type.shape, i)]),
  );
  const states = Object.fromEntries(b.states.map(({ value }) => [value.name, tensorOf(INPUT, value.type.shape)]));
  const { results } = interpret(b.build(), feeds, states);
  const shown = inputs.filter(([name]) => (feeds[name]?.data.length ?? Infinity) <= MOST_SHOWN);
  const numbers = shown.map(([name]) => `\`${name}\` ${nested([...feeds[name]!.data], feeds[name]!.type.shape)}`);
  const figure = kind === 'losses' ? results['loss']?.data[0] : resultOfBatch(spec.metrics[0]!, results).value;
  const use = `${declared(inputs)}${kind}:\n  - ${example}\n`;
  const value =
    figure === undefined || shown.length < inputs.length ? '' : `\n\nFor ${numbers.join(', ')}: ${number(figure)}.`;
  return `${fence('yaml', use)}${value}`;
}

function nested(data: readonly number[], shape: Shape): string {
  if (shape.length === 0) return String(data[0]);
  if (shape.length === 1) return `[${data.join(', ')}]`;
  const size = data.length / shape[0]!;
  const rows = Array.from({ length: shape[0]! }, (_, i) =>
    nested(data.slice(i * size, (i + 1) * size), shape.slice(1)),
  );
  return `[${rows.join(', ')}]`;
}

/** Three steps of a weight that is 1 at the start, where the loss is its square. */
export function workedOptimizer(def: Described): string {
  const text = `inputs: {x: {shape: [N, 1]}, t: {shape: [N, 1]}}
layers: [{name: y, type: dense, units: 1, bias: false, init: ones, inputs: x}]
losses: [{type: mse, inputs: [y, t]}]
train: {batch_size: 1, steps: 3, optimizer: ${def.example}}
`;
  const spec = loadSpecText(text, 'example.yaml');
  const { graph } = lowerTraining(spec, 1);
  const { graph: init } = lowerInit(spec, [lowerTraining(spec, 1)]);
  const blank = Object.fromEntries(init.states.map(({ value }) => [value.name, zeros(value.type.shape)]));
  let states: Readonly<Record<string, RefTensor>> = {
    ...blank,
    ...interpret(init, { rng: Float64Array.of(0, 0) }, blank).updates,
  };
  const course = [1, 2, 3].map((step) => {
    const scalars = stepInputs(spec.train!, { step, totalSteps: 3, stepsPerEpoch: 3 });
    const known: Readonly<Record<string, number>> = { ...scalars, x: 1, t: 0 };
    const feeds = graph.inputs.map(({ name, type }) => {
      const data = Float64Array.from({ length: elementCount(type.shape) }, () => known[name] ?? 0);
      return [name, { type, data }] as const;
    });
    states = { ...states, ...interpret(graph, Object.fromEntries(feeds), states).updates };
    return number(states['y.weight']?.data[0] ?? NaN);
  });
  return `${fence('yaml', `optimizer: ${def.example}`)}\n\nA weight that starts at 1 and whose loss is its square: ${course.join(', ')} after three steps.`;
}

const zeros = (shape: Shape): RefTensor => ({
  type: { dtype: 'f32', shape },
  data: new Float64Array(elementCount(shape)),
});

const SHOWN_STEPS = [1, 50, 100, 250, 500, 750, 1000];

/** Factors on the learning rate in a training of 1,000 steps, 100 in an epoch. */
export function workedSchedule(def: Described): string {
  const text = `inputs: {x: {shape: [N, 1]}, t: {shape: [N, 1]}}
layers: [{name: y, type: dense, units: 1, inputs: x}]
losses: [{type: mse, inputs: [y, t]}]
train: {batch_size: 1, steps: 1000, optimizer: {type: sgd, lr: 1, momentum: 0.9}, schedule: ${def.example}}
`;
  const { train } = loadSpecText(text, 'example.yaml');
  const factors = SHOWN_STEPS.map((step) =>
    number(stepInputs(train!, { step, totalSteps: 1000, stepsPerEpoch: 100 })['lr'] ?? NaN),
  );
  const head = `| step of 1000, 100 an epoch | ${SHOWN_STEPS.join(' | ')} |\n|---|${SHOWN_STEPS.map(() => '---|').join('')}`;
  return `${fence('yaml', `schedule: ${def.example}`)}\n\n${head}\n| factor | ${factors.join(' | ')} |`;
}
