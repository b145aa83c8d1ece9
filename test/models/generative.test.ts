/** Models of distributions: each learns, in seconds, what its stated figures say. */
import path from 'node:path';
import { drawDigits } from '../../compiler/data/digits/builtin';
import { loadSpec } from '../../compiler/frontend/load';
import { lowerTraining } from '../../compiler/lower/lower';
import { interpret } from '../../compiler/reference/interpret';
import type { LoadedModel } from '../../compiler/train/load';
import { generator } from '../support/samples';
import { MODELS, npyData, trainZoo } from './training';

jest.setTimeout(120_000);

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, x) => sum + x, 0) / values.length;
const deviation = (values: ArrayLike<number>): number => {
  const centre = mean(values);
  return Math.sqrt(mean(Array.from(values, (x) => (x - centre) ** 2)));
};

/** One output of the model for images of any number of pixels, as plain numbers. */
async function outputFor(
  model: LoadedModel,
  name: string,
  images: ArrayLike<number>,
  shape: readonly number[],
): Promise<number[]> {
  const outputs = await model.predict({ image: { dtype: 'f32', shape, data: Float32Array.from(images) } });
  return Array.from(outputs[name]!.data as Float32Array);
}

/** The first digits of the test set, from 0 to 1. */
function digits(count: number): number[] {
  return Array.from(drawDigits('test').images.subarray(0, count * 784), (pixel) => pixel / 255);
}

describe('restricted Boltzmann machines', () => {
  /** Every state of 3x3 units, and the 14 of them that are bars or stripes: rows alike or columns alike. */
  const STATES = Array.from({ length: 512 }, (_, code) => Array.from({ length: 9 }, (__, i) => (code >> i) & 1));
  const BARS = STATES.filter(
    (v) => v.every((x, i) => x === v[3 * Math.floor(i / 3)]) || v.every((x, i) => x === v[i % 3]),
  );
  const SMALL = ['inputs.image.shape=[N,1,3,3]', 'layers.W.shape=[9,16]', 'layers.b.shape=[9]', 'layers.c.shape=[16]'];
  const rows = { dtype: 'f32', shape: [BARS.length * 256, 1, 3, 3], values: Array(256).fill(BARS).flat(2) } as const;
  const BARS_DATA = [npyData('train', { image: rows }), npyData('eval', { image: rows })];

  /** Exact, as all states are enumerated: log p(v) = −F(v) − log Σ exp(−F). */
  async function logLikelihood(model: LoadedModel): Promise<number> {
    const energies = await outputFor(model, 'f_data/F', STATES.flat(), [512, 1, 3, 3]);
    const least = Math.min(...energies);
    const logZ = -least + Math.log(energies.reduce((sum, energy) => sum + Math.exp(least - energy), 0));
    const ofBars = energies.filter((_, i) => BARS.includes(STATES[i]!));
    return -mean(ofBars) - logZ;
  }

  test('bars and stripes are learned to within 0.4 nats of the best that is possible', async () => {
    expect(BARS).toHaveLength(14);
    const length = ['train.epochs=', 'train.steps=1200', 'train.evaluate.every=1200 steps'];
    const settings = ['layers.W.init.std=0.3', 'train.optimizer.lr=0.3', 'train.optimizer.weight_decay=0'];
    const all = [...SMALL, ...BARS_DATA, ...length, ...settings];
    const cd = await trainZoo('rbm_cd', [...all, 'layers.chain.length=5']);
    const pcd = await trainZoo('rbm_pcd', [...all, 'layers.particles.shape=[64,9]']);
    for (const { open } of [cd, pcd]) {
      const model = await open(512);
      // Nothing learned: 9 bits, -6.24.
      expect(await logLikelihood(model)).toBeGreaterThan(-Math.log(14) - 0.4);
      model.close();
    }
  });

  test.each([
    ['rbm_cd', 0.025],
    ['rbm_pcd', 0.045],
  ])('%s: digits come back, and are e^50 times as probable as their pixels in another order', async (name, error) => {
    const { figures, open } = await trainZoo(name, ['train.epochs=2']);
    expect(figures['reconstruction']).toBeLessThan(error);
    const model = await open(100);
    const images = digits(100);
    const random = generator(3);
    const order = Array.from({ length: 784 }, (_, i) => [random(), i] as const).sort(([a], [b]) => a - b);
    const shuffled = images.map((_, i) => images[i - (i % 784) + order[i % 784]![1]]!);
    const own = mean(await outputFor(model, 'f_data/F', images, [100, 1, 28, 28]));
    const other = mean(await outputFor(model, 'f_data/F', shuffled, [100, 1, 28, 28]));
    expect(other - own).toBeGreaterThan(50);
    model.close();
  });

  test('the gradient is the difference of correlations in the data and in the model, and stops at the chain', () => {
    // Sums over everything of minus the gradients: of units, and of units times the chances of hidden ones.
    const chance = (v: string): string => `sigmoid(dot(${v}, W, V) + c)`;
    const metric = (name: string, expr: string): string =>
      `{type: expression, name: ${name}, inputs: [data, model, W, c], expr: "${expr}", axes: {data: [N, V], model: [N, V], W: [V, H], c: [H]}}`;
    const metrics = [
      metric('b', 'sum(data - model, V)'),
      metric('c', `sum(${chance('data')} - ${chance('model')}, H)`),
      metric('W', `sum(data, V) * sum(${chance('data')}, H) - sum(model, V) * sum(${chance('model')}, H)`),
    ];
    const optimizer = 'train.optimizer={type: sgd, lr: 1}';
    const overrides = [...SMALL, optimizer, `metrics=[${metrics.join(', ')}]`];
    const spec = loadSpec(path.join(MODELS, 'rbm_cd.yaml'), { overrides });
    const { graph } = lowerTraining(spec, 6);
    const states = Object.fromEntries(
      graph.states.map(({ value }, k) => {
        const size = value.type.shape.reduce((product, extent) => product * extent, 1);
        return [value.name, Float64Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + k))];
      }),
    );
    const image = Float64Array.from({ length: 54 }, (_, i) => Number(i % 3 === 0 || i % 7 === 0));
    const feeds = { image, lr: Float64Array.of(1), rng: Float64Array.of(3, 1) };
    const wanted = new Set(graph.inputs.map(({ name }) => name));
    const given = Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name)));
    const { results, updates } = interpret(graph, given, states);
    const total = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, x) => sum + x, 0);
    for (const name of ['W', 'b', 'c']) {
      const sum = results[`metrics/${name}/sum`]!.data[0]!;
      expect(Math.abs(sum)).toBeGreaterThan(0.01);
      expect(total(updates[`${name}.weight`]!.data) - total(states[`${name}.weight`]!)).toBeCloseTo(sum / 6, 6);
    }
  });
});

test('a VAE passes 180 nats in three epochs, keeps digits in 20 numbers, and its codes are used', async () => {
  const { figures, open } = await trainZoo('vae', ['train.epochs=3']);
  // The independent pixels of a mean digit cost 260 nats.
  expect(figures['loss']).toBeLessThan(180);
  expect(figures['divergence']).toBeGreaterThan(10);
  expect(figures['error']).toBeLessThan(0.03);
  const model = await open(64);
  const codes = await outputFor(model, 'code', digits(64), [64, 1, 28, 28]);
  expect(Math.abs(mean(codes))).toBeLessThan(0.2);
  expect(deviation(codes)).toBeGreaterThan(0.7);
  expect(deviation(codes)).toBeLessThan(1.3);
  model.close();
});

describe('adversarial networks', () => {
  const DCGAN_SMALL = [
    'layers.generator.width=8',
    'layers.real.width=8',
    'layers.fake.width=8',
    'data.train.limit=6400',
  ];

  /** Brightness and contrast of the whole, and how far the mean picture is from that of the data. */
  function statistics(pictures: readonly number[]): { mean: number; deviation: number; average: readonly number[] } {
    const count = pictures.length / 784;
    const average = Array.from({ length: 784 }, (_, p) =>
      mean(Array.from({ length: count }, (__, i) => pictures[784 * i + p]!)),
    );
    return { mean: mean(pictures), deviation: deviation(pictures), average };
  }

  test.each([
    ['gan', ['train.epochs=5', 'train.optimizer.lr=0.0005'], 0.35],
    ['dcgan', ['train.epochs=2', 'train.optimizer.lr=0.001', ...DCGAN_SMALL], 0.5],
  ])(
    '%s: pictures come close to the data in brightness (0.15), contrast (0.15) and the mean picture',
    async (name, overrides, share) => {
      const { figures, open } = await trainZoo(name, overrides);
      const model = await open(256);
      const made = statistics(await outputFor(model, 'generator/picture', [], [0, 1, 28, 28]));
      const data = statistics(digits(256).map((x) => 2 * x - 1));
      const apart = Math.sqrt(mean(made.average.map((x, p) => (x - data.average[p]!) ** 2)));
      const before = Math.sqrt(mean(data.average.map((x) => x ** 2)));
      expect(Math.abs(made.mean - data.mean)).toBeLessThan(0.15);
      expect(Math.abs(made.deviation - data.deviation)).toBeLessThan(0.15);
      expect(apart / before).toBeLessThan(share);
      // Neither has won: the critic still errs.
      expect(figures['real_loss']! + figures['fake_loss']!).toBeGreaterThan(0.2);
      model.close();
    },
  );
});
