/** Layers against overfitting: what they keep, how they scale, when they act; the price on activations in the loss. */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { loadSpecText } from '../../compiler/frontend/load';
import type { Mode } from '../../compiler/frontend/spec';
import { lowerTerms } from '../../compiler/lower/lower';
import { ModelLowering } from '../../compiler/lower/model';
import { RNG } from '../../compiler/ops/families/drawing';
import { interpret } from '../../compiler/reference/interpret';
import { Accumulators } from '../../compiler/train/figures';
import { expectClose } from '../support/layer';
import { problemOf, runModel, type ModelInput } from '../support/model';

const ones = (shape: readonly number[]): ModelInput => ({
  shape,
  values: Array.from({ length: shape.reduce((n, extent) => n * extent, 1) }, () => 1),
});
const run = (shape: readonly number[], layer: string, mode: Mode = 'train'): number[] =>
  runModel({ inputs: { x: ones(shape) }, layers: `  - {name: y, ${layer}}`, mode }).values['y']!;
const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

const LAYERS = [
  'type: dropout',
  'type: alpha_dropout',
  'type: gaussian_dropout',
  'type: gaussian_noise',
  'type: drop_path',
  'type: spatial_dropout2d',
  'type: drop_block, block: 2',
];

test.each(LAYERS)('%s passes its input on outside of training, unless always, and with nothing to do', (layer) => {
  const shape = [8, 3, 4, 4];
  const { values } = ones(shape);
  expect(run(shape, layer, 'eval')).toEqual(values);
  expect(run(shape, layer, 'predict')).toEqual(values);
  expect(run(shape, layer, 'train')).not.toEqual(values);
  expect(run(shape, `${layer}, always: true`, 'predict')).toEqual(run(shape, layer, 'train'));
  const nothing = layer.includes('noise') ? 'std: 0' : 'rate: 0';
  expect(run(shape, `${layer}, ${nothing}`, 'train')).toEqual(values);
});

test('masks serve the axes that they should: samples, channels, shared axes', () => {
  const groups = (values: readonly number[], size: number): Set<string>[] =>
    Array.from(
      { length: values.length / size },
      (_, i) => new Set(values.slice(i * size, (i + 1) * size).map((y) => y.toFixed(6))),
    );
  for (const [layer, shape, size] of [
    ['type: drop_path, rate: 0.4', [30, 2, 3], 6],
    ['type: drop_path, rate: 0.4, per: batch', [30, 2, 3], 180],
    ['type: spatial_dropout2d, rate: 0.4', [10, 3, 2, 2], 4],
    ['type: spatial_dropout1d, rate: 0.4', [10, 3, 2], 2],
    ['type: spatial_dropout3d, rate: 0.4', [10, 3, 2, 1, 2], 4],
    ['type: dropout, rate: 0.4, shared_axes: [2, 3]', [10, 3, 2, 2], 4],
    ['type: gaussian_dropout, shared_axes: [1]', [10, 3], 3],
    ['type: gaussian_noise, shared_axes: [0, 1]', [4, 3], 12],
  ] as const) {
    for (const group of groups(run(shape, layer), size)) expect(group.size).toBe(1);
  }
  // Channels last: steps of a sequence are dropped or kept together.
  const sequence = run([1, 3, 20], 'type: spatial_dropout1d, rate: 0.5, axis: -1');
  expect(sequence.slice(0, 20)).toEqual(sequence.slice(20, 40));
  expect(new Set(sequence).size).toBe(2);
});

test('what is kept is scaled so that the mean stays, and the share that is dropped is the rate', () => {
  const kept = run([100, 40], 'type: drop_path, rate: 0.2');
  expect(new Set(kept.map((y) => y.toFixed(6)))).toEqual(new Set(['0.000000', '1.250000']));
  expect(mean(run([4000, 1], 'type: drop_path, rate: 0.2'))).toBeCloseTo(1, 1);
  const gaussian = run([100, 100], 'type: gaussian_dropout, rate: 0.2');
  expect(mean(gaussian)).toBeCloseTo(1, 1);
  expect(Math.sqrt(mean(gaussian.map((y) => (y - 1) ** 2)))).toBeCloseTo(0.5, 1);
  const noise = run([100, 100], 'type: gaussian_noise, std: 0.1');
  expect(Math.sqrt(mean(noise.map((y) => (y - 1) ** 2)))).toBeCloseTo(0.1, 2);
});

test("alpha_dropout has PyTorch's two values", () => {
  const factor = 0.8609526162463562;
  const saturated = -1.7580993408473766;
  const values = new Set(run([100, 10], 'type: alpha_dropout, rate: 0.3').map((y) => y.toFixed(8)));
  const shift = -factor * 0.3 * saturated;
  expect(values).toEqual(new Set([factor + shift, factor * saturated + shift].map((y) => y.toFixed(8))));
});

describe('drop_block', () => {
  test('drops whole blocks, and scales the rest to the same sum', () => {
    const [height, width, block] = [12, 13, 3];
    const y = run([1, 1, height, width], 'type: drop_block, rate: 0.2, block: 3');
    const dropped = (row: number, column: number): boolean => y[row * width + column] === 0;
    const covered = new Set<number>();
    for (let row = 0; row + block <= height; row++) {
      for (let column = 0; column + block <= width; column++) {
        const cells = [0, 1, 2].flatMap((r) => [0, 1, 2].map((c) => [row + r, column + c] as const));
        if (cells.every(([r, c]) => dropped(r, c))) for (const [r, c] of cells) covered.add(r * width + c);
      }
    }
    const zeros = [...y.keys()].filter((i) => y[i] === 0);
    expect(zeros.length).toBeGreaterThan(0);
    expect(zeros.every((i) => covered.has(i))).toBe(true);
    expectClose([y.reduce((sum, value) => sum + value)], [height * width]);
  });

  test('has blocks of its own for every channel, or the same', () => {
    const planes = (fields: string): Set<string> => {
      const y = run([1, 4, 9, 9], `type: drop_block, rate: 0.3, block: 3${fields}`);
      return new Set([0, 1, 2, 3].map((c) => y.slice(81 * c, 81 * (c + 1)).join()));
    };
    expect(planes('').size).toBe(4);
    expect(planes(', shared_channels: true').size).toBe(1);
  });

  test('refuses a block that does not fit', () => {
    const inputs = { x: ones([1, 1, 5, 9]) };
    expect(problemOf({ inputs, layers: '  - {name: y, type: drop_block}' })).toMatch(
      /block of 7×7 does not fit into 5×9/,
    );
  });
});

describe('activity_regularization', () => {
  const x = [1, -2, 3, -4, 0.5, 0];
  function lossWith(fields: string, mode: Mode) {
    const text = `
inputs: {x: {shape: [N, 3]}, t: {shape: [N, 3]}}
layers: [{name: y, type: activity_regularization, inputs: x${fields}}]
losses: [{name: fit, type: mse, inputs: [y, t]}]
`;
    const spec = loadSpecText(text, 'model.yaml');
    const ownInputs = mode === 'train' ? { rng: RNG } : {};
    const model = new ModelLowering(spec, { batch: 2, mode, ownInputs });
    const { total } = lowerTerms(model);
    model.problems.throwIfErrors();
    const [gradient] = differentiate(model.b, total!, [model.values.get('x')!]);
    model.b.result('gradient', gradient!);
    const feeds = { x: Float64Array.from(x), t: Float64Array.from(x), rng: Float64Array.of(1, 1) };
    const { results } = interpret(model.b.build(), feeds);
    const sums = new Accumulators();
    sums.add(Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data])), 0, 1);
    return { loss: results['loss']!.data[0], gradient: [...results['gradient']!.data], figures: sums.figures(spec) };
  }

  test.each(['train', 'eval'] as const)('adds its price to the loss and to the figures, in %s', (mode) => {
    // Σ|x| = 10.5, Σx² = 30.25; the targets are met, so nothing else is in the loss.
    const each = lossWith(', l1: 0.1, l2: 0.01', mode);
    expect(each.loss).toBeCloseTo((0.1 * 10.5 + 0.01 * 30.25) / 2, 10);
    expect(each.figures['loss']).toBeCloseTo(each.loss!, 10);
    expectClose(
      each.gradient,
      x.map((v) => (0.1 * Math.sign(v) + 0.02 * v) / 2),
    );
    const batch = lossWith(', l2: 0.01, reduction: sum', mode);
    expect(batch.loss).toBeCloseTo(0.3025, 10);
    expect(batch.figures['loss']).toBeCloseTo(0.3025, 10);
  });

  test('refuses to do nothing', () => {
    const inputs = { x: ones([1, 2]) };
    expect(problemOf({ inputs, layers: '  - {name: y, type: activity_regularization}' })).toMatch(/would do nothing/);
  });
});
