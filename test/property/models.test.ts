/**
 * Random models are valid, and compute the same however they are compiled: optimized in float64 and natively, and with
 * each pass left out in turn, forward and gradients, for a batch of 1 and of 3. What float32 cannot know is measured:
 * the reference runs once more with noise of that size after every op, and nothing is asked for within a multiple of
 * what that changes.
 */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { checkLoaded } from '../../compiler/check';
import { InternalError } from '../../compiler/diagnostics/errors';
import { checkSpecText } from '../../compiler/frontend/load';
import type { Graph } from '../../compiler/ir/graph';
import { isFloat } from '../../compiler/ir/types';
import { lowerTerms, RNG } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import { OpDataError, type OpDef, type RefTensor } from '../../compiler/ops/define';
import { PIPELINE, runPipeline } from '../../compiler/pipeline';
import { interpret } from '../../compiler/reference/interpret';
import { runNatively } from '../support/native';
import { stateOf, tensorOf } from '../support/registry';
import { allOps, generator } from '../support/samples';
import { directionOf, moved } from './registry-graph';
import { LAYER_CHOICES, LOSS_CHOICES, randomModel, type RandomModel } from './random-model';

const RUNS = Number(process.env['DLC_PROPERTY_RUNS'] ?? 60);
const SEED = Number(process.env['DLC_PROPERTY_SEED'] ?? 1);
/** Tests of their own, for messages that name the seed. */
const PARTS = 6;

const PASSES = [...new Set(PIPELINE.map(({ name }) => name))];

/** Relative to the largest number of each tensor, beside what noise explains. */
const NATIVE = 3e-4;
const OPTIMIZED = 1e-6;
const SLOPE = 1e-4;
/** Of every number in float32, and how many times its effect is let pass: sums round at every term. */
const NOISE = 2 ** -23;
const TIMES = 30;
/** Beyond, float32 has no digit left, or overflows soon. */
const LARGEST = 1e5;

type Tensors = Readonly<Record<string, RefTensor>>;

interface Case {
  readonly graph: Graph;
  readonly feeds: Tensors;
  readonly states: Tensors;
  readonly wrt: readonly string[];
  readonly expected: Tensors;
  /** For each tensor what may differ natively beside a share of its largest number. */
  readonly noise: Readonly<Record<string, number>>;
}

function graphOf({ spec, sloped }: RandomModel, batch: number): { graph: Graph; wrt: readonly string[] } {
  const model = new ModelLowering(spec, { batch, mode: 'train', everyLayer: true, ownInputs: { rng: RNG } });
  const { b } = model;
  const { total } = lowerTerms(model);
  model.problems.throwIfErrors();
  for (const name of spec.outputs) {
    const value = model.values.get(name);
    if (value && value.type.dtype !== 'bf16') b.result(`out_${name}`, value);
  }
  const trained = [...model.parameters.infos.values()].filter(({ role, frozen }) => role === 'parameter' && !frozen);
  const wrt = [...sloped.map((name) => model.values.get(name)!), ...trained.map(({ value }) => value)];
  differentiate(b, total!, wrt).forEach((gradient, i) => {
    if (gradient) b.result(`d_${wrt[i]!.name}`, gradient);
  });
  return { graph: b.build(), wrt: wrt.map(({ name }) => name) };
}

function tensorsOf(graph: Graph, feeds: Tensors, states: Tensors): Tensors {
  const { results, updates } = interpret(graph, feeds, states);
  return { ...results, ...Object.fromEntries(Object.entries(updates).map(([name, t]) => [`@${name}`, t])) };
}

/** As `run` finds it where every op is off by a little, up and down. */
function noisy<T>(seed: number, run: () => T): T {
  const random = generator(seed);
  const spoil = (x: number): number => x * (1 + NOISE * (2 * random() - 1));
  const restore = allOps().map(([, def]) => {
    const original = { ...def };
    const evaluate: OpDef['evaluate'] = (inputs, attrs, types, regions) =>
      original
        .evaluate(inputs, attrs, types, regions)
        .map((data, k) => (types[k] && isFloat(types[k].dtype) ? data.map(spoil) : data));
    Object.assign(def, { evaluate });
    return () => Object.assign(def, original);
  });
  try {
    return run();
  } finally {
    restore.forEach((undo) => undo());
  }
}

/** At least as much as what cancels out inside of one op, such as the mean of a normalization, may leave behind. */
const largest = ({ data }: RefTensor): number => data.reduce((most, x) => Math.max(most, Math.abs(x)), 2e-2);

function furthest(found: ArrayLike<number | bigint> | undefined, { data }: RefTensor): number {
  if (found?.length !== data.length) return Infinity;
  return data.reduce((most, x, i) => {
    const value = Number(found[i]);
    return Math.max(most, Object.is(value, x) ? 0 : Number.isNaN(value - x) ? Infinity : Math.abs(value - x));
  }, 0);
}

/** Undefined where there is nothing to compare: an index that does not suit what a layer made, numbers too large. */
function caseOf(model: RandomModel, batch: number, seed: number): Case | undefined {
  const { graph, wrt } = graphOf(model, batch);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, type }, i): [string, RefTensor] => {
      const input = model.inputs.get(name);
      return [name, input ? tensorOf(input, type.shape, seed + i) : { type, data: Float64Array.of(5, 1) }];
    }),
  );
  const states = Object.fromEntries(
    graph.states.map(({ value }, i): [string, RefTensor] => [value.name, stateOf(value, seed + 100 + i)]),
  );
  let expected: Tensors;
  try {
    expected = tensorsOf(graph, feeds, states);
  } catch (error) {
    if (error instanceof OpDataError) return undefined;
    throw error;
  }
  const tensors = Object.entries(expected);
  if (tensors.some(([, { data }]) => data.some((x) => !(Math.abs(x) < LARGEST)))) return undefined;
  const runs = [1, 2].map((k) => noisy(k, () => tensorsOf(graph, feeds, states)));
  const noise = tensors.map(([name, tensor]): [string, number] => [
    name,
    Math.max(...runs.map((run) => furthest(run[name]?.data, tensor))),
  ]);
  return { graph, feeds, states, wrt, expected, noise: Object.fromEntries(noise) };
}

function compare(one: Case, found: Readonly<Record<string, ArrayLike<number | bigint>>>, share: number): string[] {
  return Object.entries(one.expected).flatMap(([name, tensor]) => {
    const allowed = isFloat(tensor.type.dtype) ? share * largest(tensor) + TIMES * one.noise[name]! : 0;
    const off = furthest(found[name], tensor);
    return off <= allowed ? [] : [`${name} is off by ${off}, ± ${allowed}`];
  });
}

async function natively(graph: Graph, { feeds, states }: Case): Promise<Record<string, ArrayLike<number | bigint>>> {
  const run = await runNatively(graph, feeds, states, 2);
  return { ...run.results, ...Object.fromEntries(Object.entries(run.states).map(([name, t]) => [`@${name}`, t])) };
}

async function mistakesOf(one: Case, model: RandomModel, eachPass: boolean): Promise<string[]> {
  const wrong = model.differentiable ? slopeMistakes(one) : [];
  const say = (how: string, found: readonly string[]) => wrong.push(...found.map((each) => `${how}: ${each}`));
  const dataOf = (tensors: Tensors) => Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, t.data]));
  const { stages } = runPipeline(one.graph);
  const isWorking = (name: string): boolean => stages.some(({ pass, changed }) => pass === name && changed);
  const working = eachPass ? PASSES.filter(isWorking) : [];
  for (const left of [undefined, ...working]) {
    const { graph } = runPipeline(one.graph, { disable: left === undefined ? [] : [left] });
    const how = left === undefined ? 'optimized' : `without ${left}`;
    say(`${how}, in float64`, compare(one, dataOf(tensorsOf(graph, one.feeds, one.states)), OPTIMIZED));
    say(`${how}, natively`, compare(one, await natively(graph, one), NATIVE));
  }
  say('as lowered, natively', compare(one, await natively(one.graph, one), NATIVE));
  return wrong;
}

/** Along one direction of everything at once; two widths of step that disagree have a kink between them. */
function slopeMistakes({ graph, feeds, states, wrt, expected }: Case): string[] {
  const at = (h: number): number =>
    interpret(graph, moved(feeds, wrt, h), moved(states, wrt, h)).results['loss']?.data[0] ?? NaN;
  const slope = (h: number): number => (at(h) - at(-h)) / (2 * h);
  const [narrow, wide] = [slope(1e-6), slope(2e-6)];
  const terms = wrt.flatMap((name) => {
    const gradient = expected[`d_${name}`]?.data ?? [];
    const direction = directionOf(name, gradient.length);
    return [...gradient].map((g, i) => g * direction[i]!);
  });
  const found = terms.reduce((sum, term) => sum + term, 0);
  const size = terms.reduce((sum, term) => sum + Math.abs(term), 1e-2);
  const allowed = SLOPE * Math.max(size, Math.abs(narrow));
  if (Math.abs(narrow - wide) > allowed || Math.abs(found - narrow) <= allowed) return [];
  return [`the slope: ${found} instead of ${narrow}`];
}

/** Whether there was something to compare. */
async function check(seed: number): Promise<boolean> {
  const model = randomModel(seed);
  const errors = checkLoaded(checkSpecText(model.text, 'model.json')).filter(({ severity }) => severity === 'error');
  const found = errors.map(({ message }) => message);
  const cases = errors.length > 0 ? [] : [1, 3].flatMap((batch) => caseOf(model, batch, seed) ?? []);
  // Leaving passes out takes most of the time: for one of the two.
  for (const [i, one] of cases.entries()) found.push(...(await mistakesOf(one, model, i === seed % 2)));
  if (found.length > 0) throw new InternalError([`seed ${seed}: ${model.text}`, ...found].join('\n'));
  return cases.length > 0;
}

test.each([...Array(PARTS).keys()])(
  'random models compute the same however they are compiled, part %i',
  async (part) => {
    const each = Math.ceil(RUNS / PARTS);
    let compared = 0;
    for (let i = 0; i < each; i++) if (await check(SEED + part * each + i)) compared++;
    expect(compared).toBeGreaterThan(0.7 * each);
  },
  600_000,
);

test('nearly every layer and loss is small enough to be among them', () => {
  expect(LAYER_CHOICES.length).toBeGreaterThan(280);
  expect(LOSS_CHOICES.length).toBeGreaterThan(40);
});
