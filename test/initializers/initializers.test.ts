/** What initializers draw: the spread and bounds that their formulas promise, exact patterns, and what they refuse. */
import { SpecError } from '../../compiler/diagnostics/errors';
import { loadSpecText } from '../../compiler/frontend/load';
import type { Fields, Spec } from '../../compiler/frontend/spec';
import type { InitializerDef } from '../../compiler/initializers/define';
import { INITIALIZERS } from '../../compiler/initializers/index';
import { Builder } from '../../compiler/ir/builder';
import type { Shape } from '../../compiler/ir/types';
import { withDefaults } from '../../compiler/lower/defaults';
import { checkModel, lowerInit, lowerModel } from '../../compiler/lower/lower';
import { interpret } from '../../compiler/reference/interpret';
import { difference, runNatively, runtimeWith } from '../support/native';

const DEFS: Readonly<Record<string, InitializerDef>> = INITIALIZERS;

const SEED = Float64Array.of(3, 0);
const RNG = { type: { dtype: 'i64', shape: [2] }, data: SEED } as const;

interface Given {
  readonly fields?: Fields;
  readonly shape: Shape;
  readonly fanIn?: number;
  readonly fanOut?: number;
}

function graphOf(type: string, { fields = {}, shape, fanIn = 50, fanOut = 150 }: Given) {
  const def = DEFS[type]!;
  const b = new Builder('init');
  const rng = b.input('rng', { dtype: 'i64', shape: [2] });
  const fail = (problem: string): never => {
    throw new Error(`${type} ${problem}`);
  };
  const further = (purpose: string): number => 100 + purpose.length;
  const context = { b, fields: withDefaults(def, fields), shape, fanIn, fanOut, rng, stream: 7, further, fail };
  b.result('y', def.lower(context));
  return b.build();
}

function draw(type: string, given: Given): number[] {
  return [...interpret(graphOf(type, given), { rng: SEED }).results['y']!.data];
}

function spreadOf(values: readonly number[]): { mean: number; std: number; most: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { mean, std, most: Math.max(...values.map(Math.abs)) };
}

const UNIFORM = Math.sqrt(3);
const WHOLE = Infinity;
/** Of a normal that is cut off at two deviations, its bound in deviations of what is left. */
const CUT = 2 / 0.879626;

/** [type, fields, standard deviation, bound in deviations] for a fan-in of 50 and a fan-out of 150. */
const SPREADS: readonly (readonly [string, Fields, number, number])[] = [
  ['glorot_uniform', {}, Math.sqrt(2 / 200), UNIFORM],
  ['glorot_uniform', { gain: 3 }, 3 * Math.sqrt(2 / 200), UNIFORM],
  ['glorot_normal', {}, Math.sqrt(2 / 200), WHOLE],
  ['glorot_normal', { gain: 2, truncated: true }, 2 * Math.sqrt(2 / 200), CUT],
  ['he_uniform', {}, Math.sqrt(2 / 50), UNIFORM],
  ['he_uniform', { slope: Math.sqrt(5) }, Math.sqrt(1 / 150), UNIFORM],
  ['he_normal', { mode: 'fan_out' }, Math.sqrt(2 / 150), WHOLE],
  ['he_normal', { truncated: true }, Math.sqrt(2 / 50), CUT],
  ['he_normal', { slope: 0.2 }, Math.sqrt(2 / 1.04 / 50), WHOLE],
  ['lecun_uniform', {}, Math.sqrt(1 / 50), UNIFORM],
  ['lecun_normal', {}, Math.sqrt(1 / 50), WHOLE],
  ['lecun_normal', { truncated: true }, Math.sqrt(1 / 50), CUT],
  ['xavier', {}, Math.sqrt(1 / 50), UNIFORM],
  ['msra', { mode: 'fan_avg' }, Math.sqrt(2 / 100), WHOLE],
  ['variance_scaling', {}, Math.sqrt(1 / 50), CUT],
  ['variance_scaling', { scale: 3, mode: 'fan_out', distribution: 'normal' }, Math.sqrt(3 / 150), WHOLE],
  ['variance_scaling', { scale: 2, mode: 'fan_avg', distribution: 'uniform' }, Math.sqrt(2 / 100), UNIFORM],
  ['pytorch_default', {}, Math.sqrt(1 / 150), UNIFORM],
  ['sparse', { nonzero: 100, std: 0.5 }, 0.5, WHOLE],
  ['sparse', { nonzero: 25, std: 2 }, 1, WHOLE],
];

test.each(SPREADS)('%s with %j has its spread', (type, fields, std, bound) => {
  const found = spreadOf(draw(type, { fields, shape: [100, 80] }));
  expect(Math.abs(found.mean)).toBeLessThan(0.05 * std);
  expect(Math.abs(found.std / std - 1)).toBeLessThan(0.03);
  if (bound === WHOLE) expect(found.most).toBeGreaterThan(3 * std);
  else {
    expect(found.most).toBeLessThanOrEqual(bound * std * 1.0001);
    expect(found.most).toBeGreaterThan(bound * std * 0.99);
  }
});

test('sparse keeps so many units for an input on average, and nothing of the others', () => {
  const values = draw('sparse', { fields: { nonzero: 5, mean: 3 }, shape: [100, 100] });
  const kept = values.filter((value) => value !== 0);
  expect(kept.length / 100).toBeGreaterThan(4.4);
  expect(kept.length / 100).toBeLessThan(5.6);
  expect(Math.abs(spreadOf(kept).mean - 3)).toBeLessThan(0.15);
});

test('the weights of each unit on the positive unit ball add up to 1', () => {
  const values = draw('positive_unitball', { shape: [7, 5, 3] });
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
  for (let unit = 0; unit < 7; unit++) {
    expect(values.slice(15 * unit, 15 * (unit + 1)).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
  }
});

test.each([
  [[5, 12], 5, 12],
  [[12, 5], 12, 5],
  [[6, 3, 2, 2], 6, 12],
  [[9, 9], 9, 9],
])('orthogonal %j has orthonormal rows or columns, times its gain', (shape, rows, columns) => {
  const q = draw('orthogonal', { fields: { gain: 2 }, shape });
  const at = (i: number, k: number): number => q[i * columns + k]!;
  const short = Math.min(rows, columns);
  for (let i = 0; i < short; i++) {
    for (let j = 0; j <= i; j++) {
      let product = 0;
      for (let k = 0; k < Math.max(rows, columns); k++) {
        product += rows <= columns ? at(i, k) * at(j, k) : at(k, i) * at(k, j);
      }
      expect(product).toBeCloseTo(i === j ? 4 : 0, 6);
    }
  }
});

test('every direction of an orthogonal matrix is equally likely', () => {
  // Entries of a random orthogonal matrix have variance 1/n and, for large n, no skew.
  const n = 60;
  const values = draw('orthogonal', { shape: [n, n] }).map((value) => value * Math.sqrt(n));
  expect(Math.abs(spreadOf(values).mean)).toBeLessThan(0.05);
  expect(spreadOf(values).std).toBeCloseTo(1, 2);
  // A decomposition without its signs put right has a diagonal of one sign.
  const diagonal = Array.from({ length: n }, (_, i) => values[i * n + i]!);
  expect(diagonal.filter((value) => value > 0).length).toBeGreaterThan(n / 4);
  expect(diagonal.filter((value) => value > 0).length).toBeLessThan((3 * n) / 4);
});

test('identity has ones on the diagonal, of a matrix of any shape', () => {
  expect(draw('identity', { shape: [2, 3] })).toEqual([1, 0, 0, 0, 1, 0]);
  expect(draw('identity', { shape: [3, 2], fields: { gain: 0.5 } })).toEqual([0.5, 0, 0, 0.5, 0, 0]);
  expect(draw('identity', { shape: [1, 1] })).toEqual([1]);
});

test.each([
  [[4, 3, 3], 1, [1, 13, 25]],
  [[6, 2, 3, 2], 2, [3, 21, 39, 57]],
  [[2, 3, 4, 3, 5], 1, [37, 277]],
] as const)('dirac %j in %i groups has ones where PyTorch has them', (shape, groups, ones) => {
  const values = draw('dirac', { shape, fields: { groups } });
  const found = values.flatMap((value, i) => (value === 0 ? [] : [i]));
  expect(found).toEqual(ones);
  for (const i of found) expect(values[i]).toBe(1);
});

test("bilinear has Caffe's filters", () => {
  const [a, b] = [0.0625, 0.1875];
  const even = [a, b, b, a, b, 0.5625, 0.5625, b, b, 0.5625, 0.5625, b, a, b, b, a];
  expect(draw('bilinear', { shape: [2, 1, 4, 4] })).toEqual([...even, ...even]);
  const odd = [0.0625, 0.1875, 0.1875, 0.1875, 0.5625, 0.5625, 0.1875, 0.5625, 0.5625];
  expect(draw('bilinear', { shape: [1, 1, 3, 3] })).toEqual(odd);
});

test('constant takes one number or all of them', () => {
  expect(draw('constant', { shape: [2, 2], fields: { value: 3 } })).toEqual([3, 3, 3, 3]);
  expect(draw('constant', { shape: [2, 2], fields: { value: [1, 2, 3, 4] } })).toEqual([1, 2, 3, 4]);
});

test.each([
  ['constant', { shape: [2, 2], fields: { value: [1, 2, 3] } }, /has 3 values for a tensor of 4, \[2, 2\]/],
  ['identity', { shape: [2, 2, 2] }, /is for matrices/],
  ['dirac', { shape: [2, 2] }, /is for filters/],
  ['dirac', { shape: [4, 2, 3], fields: { groups: 3 } }, /3 groups, which do not divide 4/],
  ['bilinear', { shape: [2, 2, 3, 4] }, /is for square filters/],
  ['orthogonal', { shape: [4] }, /is for tensors of rank 2/],
  ['positive_unitball', { shape: [4] }, /is for tensors of rank 2/],
  ['sparse', { shape: [4, 4], fields: { nonzero: 5 } }, /keeps 5 of 4 units/],
] as const)('%s refuses %j', (type, given, message) => {
  expect(() => graphOf(type, given)).toThrow(message);
});

const SAMPLES: readonly (readonly [string, Given])[] = [
  ...SPREADS.map(([type, fields]) => [type, { fields, shape: [100, 7, 3] }] as const),
  ['positive_unitball', { shape: [5, 37] }],
  ['orthogonal', { shape: [33, 5, 3] }],
  ['orthogonal', { shape: [41, 40] }],
  ['identity', { shape: [7, 5] }],
  ['dirac', { shape: [6, 2, 3, 5], fields: { groups: 3 } }],
  ['bilinear', { shape: [3, 2, 5, 5] }],
  ['constant', { shape: [2, 3], fields: { value: [1, 2, 3, 4, 5, 6] } }],
  ['uniform', { shape: [33] }],
  ['normal', { shape: [33] }],
  ['truncated_normal', { shape: [33] }],
  ['zeros', { shape: [3] }],
  ['ones', { shape: [] }],
];

test.each(SAMPLES)('%s of %j is the same natively, for any number of threads', async (type, given) => {
  runtimeWith(1);
  const graph = graphOf(type, given);
  const found = await runNatively(graph, { rng: RNG });
  expect(difference(found.results['y'], interpret(graph, { rng: SEED }).results['y']!, 1e-5)).toBeUndefined();
  const threads = await runNatively(graph, { rng: RNG }, {}, 3);
  expect(threads.results['y']).toEqual(found.results['y']);
});

test('every initializer is listed under its own name and is in the native samples', () => {
  const tested = new Set(SAMPLES.map(([type]) => type));
  for (const [name, def] of Object.entries(DEFS)) {
    expect(def.type).toBe(name);
    expect(tested).toContain(name);
  }
});

function specOf(layer: string): Spec {
  return loadSpecText(`inputs: {x: {shape: [N, 6]}}\nlayers: [{name: y, ${layer}}]\n`, 'm.yaml');
}

function initOf(layer: string) {
  const spec = specOf(layer);
  return lowerInit(spec, [lowerModel(spec, { batch: 1, mode: 'predict', everyLayer: true })]).graph;
}

test("a bias that starts as PyTorch's counts the inputs of its weight", () => {
  const own = 'init: pytorch_default, parameters: {bias: {init: pytorch_default}}';
  const graph = initOf(`type: dense, units: 5000, ${own}`);
  const states = { 'y.weight': new Float64Array(30_000), 'y.bias': new Float64Array(5000) };
  const { updates } = interpret(graph, { rng: SEED }, states);
  const bound = 1 / Math.sqrt(6);
  for (const name of ['y.weight', 'y.bias']) {
    const { most } = spreadOf([...updates[name]!.data]);
    expect(most).toBeLessThanOrEqual(bound);
    expect(most).toBeGreaterThan(0.99 * bound);
  }
});

test('an initializer that does not suit its parameter is reported where it is written, by validation too', () => {
  const layer = 'type: dense, units: 3, parameters: {bias: {init: orthogonal}}';
  const message = /m\.yaml:2:69.*`orthogonal` is for tensors of rank 2 and more; this one is \[3\]/s;
  expect(() => initOf(layer)).toThrow(SpecError);
  expect(() => initOf(layer)).toThrow(message);
  const found = checkModel(specOf(layer), 1);
  expect(new SpecError(found).message).toMatch(message);
  expect(checkModel(specOf('type: dense, units: 3, init: orthogonal'), 1)).toEqual([]);
});

test('numbers that no initializer can draw are reported where it is written', () => {
  const messages = (init: string): string =>
    new SpecError(checkModel(specOf(`type: dense, units: 3, init: ${init}`), 1)).message;
  expect(messages('{type: uniform, low: 0.5}')).toMatch(
    /m\.yaml:2:49.*`uniform` has a low of 0\.5, which is above its high of 0\.05/,
  );
  expect(messages('{type: glorot_uniform, gain: 1e300}')).toMatch(/m\.yaml:2:49.*`glorot_uniform` cannot be drawn/);
});
