/** Normalizations against PyTorch's (torch 2.13, float64) and the formulas of Caffe and Keras, on the numbers of `wave`. */
import { expectClose, runLayer, shapeOf } from '../support/layer';
import { wave } from '../support/wave';

const near = (found: readonly number[], expected: readonly number[]): void => expectClose(found, expected, 6);
const X = { x: wave(24), shape: [2, 4, 3] };
const gamma = (count: number): number[] => wave(count, 1).map((value) => value + 2);
/** The gradient of Σ y² of a layer called n. */
const squared = (layer: string): string => `  - {name: n, ${layer}}\n  - {name: y, type: mul, inputs: [n, n]}`;

describe('layer_norm', () => {
  const states = { 'n.gamma': gamma(3), 'n.beta': wave(3, 2) };

  test('over the last axis', () => {
    const { values } = runLayer({
      ...X,
      layers: 'type: layer_norm',
      states: { 'y.gamma': gamma(3), 'y.beta': wave(3, 2) },
    });
    near(
      values.slice(6, 18),
      [
        -2.0231574, 0.26, 4.355755, -0.64009474, 2.8265982, -2.168097, -0.64009474, 2.8265982, -2.168097, -0.64009474,
        2.8265982, -2.168097,
      ],
    );
    const { gradient } = runLayer({ ...X, layers: squared('type: layer_norm'), states });
    near(gradient.slice(0, 3), [4.603433, -9.2081793, 4.6047462]);
    near(gradient.slice(18), [0.6122877, -0.25750146, -0.35478624, -7.1817379, -5.2414946, 12.423233]);
  });

  test('over several axes, in whatever order they are named', () => {
    for (const axis of ['[1, 2]', '[-1, -2]']) {
      const { values } = runLayer({ ...X, layers: `type: layer_norm, axis: ${axis}, scale: false, center: false` });
      near(values.slice(0, 5), [-1.4203223, -0.21454199, 0.9912383, -1.0944357, 0.11134458]);
    }
  });

  test('over an axis in the middle it is that over the last one of the turned input', () => {
    const turned = runLayer({
      ...X,
      layers:
        '  - {name: t, type: permute, axes: [0, 2, 1]}\n  - {name: n, type: layer_norm}\n  - {name: y, type: permute, axes: [0, 2, 1]}',
      states: { 'n.gamma': gamma(4), 'n.beta': wave(4, 2) },
    });
    const there = runLayer({
      ...X,
      layers: 'type: layer_norm, axis: 1',
      states: { 'y.gamma': gamma(4), 'y.beta': wave(4, 2) },
    });
    expectClose(there.values, turned.values, 12);
  });

  test('not over the batch', () => {
    expect(shapeOf([2, 3], 'type: layer_norm, axis: 0')).toMatch(/axis 0 is not among the axes 1 to 1/);
    expect(shapeOf([2, 3, 4], 'type: layer_norm, axis: [1, -2]')).toMatch(/axis -2 is named twice/);
  });
});

test('rms_norm divides by the root mean square', () => {
  const { values } = runLayer({ ...X, layers: 'type: rms_norm', states: { 'y.gamma': gamma(3) } });
  near(values.slice(0, 6), [-1.9155493, -0.79054414, 1.9994686, -1.6601335, -0.19763494, 3.0686118]);
});

describe('group_norm', () => {
  test('takes groups of channels, and scales each channel', () => {
    const { values } = runLayer({
      ...X,
      layers: 'type: group_norm, groups: 2',
      states: { 'y.gamma': gamma(4), 'y.beta': wave(4, 2) },
    });
    near(values.slice(0, 6), [-2.2081833, -0.68573611, 0.8367111, -1.8300176, 0.58656525, 3.0031481]);
    const { gradient } = runLayer({
      ...X,
      layers: squared('type: group_norm, groups: 2'),
      states: { 'n.gamma': gamma(4), 'n.beta': wave(4, 2) },
    });
    near(gradient.slice(0, 6), [3.3338747, -1.7876766, -6.9092279, -2.6097647, 1.7876766, 6.1851179]);
  });

  test('wants groups that divide the channels', () => {
    expect(shapeOf([1, 6, 4], 'type: group_norm, groups: 4')).toMatch(
      /4 groups do not divide the 6 channels of the input \[invalid-field\]/,
    );
  });
});

describe('instance_norm', () => {
  const layers = 'type: instance_norm, scale: false, center: false, running: true, momentum: 0.25';
  const start = { 'y.mean': [0, 0, 0, 0], 'y.variance': [1, 1, 1, 1] };

  test('normalizes each channel of each sample and averages what it found', () => {
    const found = runLayer({ ...X, layers, mode: 'train', states: start });
    near(found.values.slice(12, 18), [-0.12705932, 1.2832991, -1.1562398, -0.12705932, 1.2832991, -1.1562398]);
    near(found.updates['y.mean']!, [-0.049166667, 0.00083333333, 0.050833333, -0.0675]);
    near(found.updates['y.variance']!, [0.87006667, 0.87006667, 0.87006667, 0.85323333]);
  });

  test('predicts with the running statistics, where there are any', () => {
    const states = {
      'y.mean': [-0.049166667, 0.00083333333, 0.050833333, -0.0675],
      'y.variance': [0.87006667, 0.87006667, 0.87006667, 0.85323333],
    };
    const found = runLayer({ ...X, layers, states });
    near(found.values.slice(0, 4), [-1.0193554, -0.2260271, 0.56730122, -0.85854563]);
    const own = runLayer({ ...X, layers: 'type: instance_norm, scale: false, center: false' });
    near(own.values.slice(0, 3), [-1.2247281, 0, 1.2247281]);
  });

  test('refuses single elements, and a momentum of nothing', () => {
    expect(shapeOf([2, 3, 1], 'type: instance_norm')).toMatch(/a channel of one element has no variance/);
    expect(shapeOf([2, 3, 4], 'type: instance_norm, momentum: 0.2')).toMatch(/there are no running statistics/);
  });
});

describe('batch_norm', () => {
  test('with the biased running variance and the channels last it is the layer of Keras', () => {
    const layers = 'type: batch_norm, axis: -1, epsilon: 1.0e-3, running_variance: biased';
    const states = { 'y.gamma': [1, 1], 'y.beta': [0, 0], 'y.mean': [0, 0], 'y.variance': [1, 1] };
    const found = runLayer({ x: wave(12), shape: [2, 3, 2], layers, mode: 'train', states });
    near(found.values.slice(0, 4), [-1.5627334, 0.0060470722, 0.73479518, -0.97357863]);
    near(found.updates['y.mean']!, [0.00066666667, -0.026333333]);
    near(found.updates['y.variance']!, [0.94139556, 0.93028556]);
  });

  test('corrected averages are those of Caffe divided by its third blob', () => {
    const layers = 'type: batch_norm, momentum: 0.25, average: corrected, scale: false, center: false';
    const first = runLayer({
      x: wave(8),
      shape: [2, 2, 2],
      layers,
      mode: 'train',
      states: { 'y.mean': [5, 5], 'y.variance': [9, 9], 'y.total_weight': [0] },
    }).updates;
    near([...first['y.mean']!, ...first['y.variance']!], [-0.16, -0.195, 0.47706667, 0.36596667]);
    const second = runLayer({ x: wave(8, 5), shape: [2, 2, 2], layers, mode: 'train', states: first }).updates;
    near([...second['y.mean']!, ...second['y.variance']!], [-0.28285714, -0.029285714, 0.41358095, 0.36596667]);
    expect(second['y.total_weight']).toEqual([1.75]);
  });

  test('with momentum 0 they are the plain mean of all steps', () => {
    const layers = 'type: batch_norm, momentum: 0, average: corrected, scale: false, center: false';
    const zero = [0, 0, 0, 0];
    const states = { 'y.mean': zero, 'y.variance': zero, 'y.total_weight': [0] };
    const first = runLayer({ ...X, layers, mode: 'train', states }).updates;
    const x = X.x.map((value) => 2 * value + 1);
    const second = runLayer({ ...X, x, layers, mode: 'train', states: first }).updates;
    near(second['y.mean']!, [0.205, 0.505, 0.805, 0.095]);
    near(second['y.variance']!, [0.97256667, 0.97256667, 0.97256667, 0.8379]);
  });

  test('use_running leaves the statistics alone, in training too', () => {
    const layers = 'type: batch_norm, use_running: true, epsilon: 1';
    const states = { 'y.gamma': [2, 2], 'y.beta': [1, 1], 'y.mean': [1, 2], 'y.variance': [3, 0] };
    const found = runLayer({ x: [1, 2, 3, 4], shape: [2, 2], layers, mode: 'train', states });
    expect([found.values, found.updates, found.gradient]).toEqual([[1, 1, 3, 5], {}, [1, 2, 1, 2]]);
    expect(shapeOf([2, 2], 'type: batch_norm, use_running: true, momentum: 0.2')).toMatch(
      /the running statistics stay as they are with `use_running` \[invalid-field\]/,
    );
  });
});

describe('lrn', () => {
  test('across channels, of any rank', () => {
    const { values } = runLayer({ ...X, layers: 'type: lrn, size: 3, alpha: 2, beta: 0.75, k: 1.5' });
    near(values.slice(0, 5), [-0.48933496, -0.18739473, 0.28956037, -0.36632515, -0.042973078]);
  });

  test('within a channel, over zeros beyond the edge', () => {
    const layers = 'type: lrn, region: within_channel, size: 3, alpha: 2, beta: 0.75';
    const { values } = runLayer({ x: wave(12), shape: [1, 1, 3, 4], layers });
    near(
      values,
      [
        -0.80255905, -0.19455504, 0.3738358, -0.66565391, -0.043224455, 0.45567159, -0.4115437, 0.10329949, 0.71817613,
        -0.30800527, 0.25801393, -0.7692557,
      ],
    );
  });
});

describe('mvn', () => {
  const input = { x: wave(8), shape: [1, 2, 2, 2] };

  test('by channel, or across them with an epsilon beside the deviation', () => {
    near(
      runLayer({ ...input, layers: 'type: mvn' }).values,
      [-1.0556117, 0.23554973, 1.5267112, -0.70664918, -0.21832188, 1.39726, -1.39726, 0.21832188],
    );
    near(
      runLayer({ ...input, layers: 'type: mvn, across_channels: true, epsilon: 0.1' }).values.slice(0, 2),
      [-1.241447, -0.12452204],
    );
  });

  test('gives 0 and no gradient where everything is equal', () => {
    const found = runLayer({ x: [3, 3, 3], shape: [1, 1, 3], layers: squared('type: mvn') });
    expect([found.values, found.gradient]).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  test('says what has no effect', () => {
    expect(shapeOf([1, 2, 3], 'type: mvn, normalize_variance: false, epsilon: 0.1')).toMatch(/nothing is divided/);
    expect(shapeOf([1, 2], 'type: mvn')).toMatch(/there is one element for each mean/);
  });
});

describe('l2_normalize', () => {
  test('gives each pixel length 1', () => {
    const { values } = runLayer({ ...X, layers: 'type: l2_normalize' });
    near(values.slice(0, 4), [-0.68041382, -0.57229309, 0.31306419, -0.54433105]);
    const cubed = `  - {name: n, type: l2_normalize}\n  - {name: m, type: mul, inputs: [n, n]}\n  - {name: y, type: mul, inputs: [m, n]}`;
    const { gradient } = runLayer({ ...X, layers: cubed });
    near(gradient.slice(0, 4), [0.16100327, 3.1402868, 0.14487832, -0.022400455]);
  });

  test("with SSD's fields it is SSD's layer", () => {
    const layers = 'type: l2_normalize, scale: true, epsilon: 1.0e-10, epsilon_rule: add';
    const { values } = runLayer({ x: wave(6), shape: [1, 3, 1, 2], layers, states: { 'y.gamma': [20, 10, 5] } });
    near(values, [-18.004141, -4.8074017, 4.3209939, -7.3960026, -0.27006212, 3.1433011]);
  });

  test('keeps its digits for huge and tiny numbers, and is flat below epsilon', () => {
    const layers = 'type: unit_norm, epsilon: 1.0e-12';
    expectClose(runLayer({ x: [3e30, 4e30], shape: [1, 2], layers }).values, [0.6, 0.8]);
    expectClose(runLayer({ x: [3e-11, 4e-11], shape: [1, 2], layers }).values, [0.6, 0.8]);
    const zero = runLayer({ x: [0, 0], shape: [1, 2], layers: 'type: unit_norm, epsilon: 0.5' });
    expect([zero.values, zero.gradient]).toEqual([
      [0, 0],
      [2, 2],
    ]);
    expect(shapeOf([1, 2], 'type: l2_normalize, shared: true')).toMatch(/there is no factor/);
  });
});

describe('local_contrast', () => {
  const run = (x: readonly number[], shape: readonly number[], fields: string): number[] =>
    runLayer({ x, shape, layers: `type: local_contrast, ${fields}` }).values;

  test('takes off what is even, at the edges too', () => {
    expectClose(run(Array<number>(24).fill(7), [1, 2, 3, 4], 'size: 3'), Array<number>(24).fill(0));
  });

  test('divides by the deviation of the surroundings, or by the mean of all of them', () => {
    // A row of two pixels: weights 1 and e = exp(−1/2) of three, so each mean is (own + e · other) / (1 + e).
    const e = Math.exp(-0.5);
    const v = e / (1 + e);
    expectClose(run([1, 0], [1, 1, 1, 2], 'size: 3, sigma: 1'), [1, -1]);
    expectClose(run([1, 0], [1, 1, 1, 2], 'size: 3, sigma: 1, epsilon: 2'), [v / 2, -v / 2]);
    expect(shapeOf([1, 1, 4, 4], 'type: local_contrast, size: 4')).toMatch(/size 4 is even: no pixel is in the middle/);
  });
});
