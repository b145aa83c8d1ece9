/** Augmentation: what is done to images made by hand, how draws are spread, that masks go along, what is refused. */
import { loadSpecText } from '../../compiler/frontend/load';
import type { Mode } from '../../compiler/frontend/spec';
import { AUGMENTATIONS } from '../../compiler/layers/augmentation/index';
import { lowerModel, lowerTraining } from '../../compiler/lower/lower';
import { expectClose } from '../support/layer';
import { problemOf, runModel, wave, type ModelInput, type ModelResult } from '../support/model';

const NINE = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const image = (values: readonly number[], h: number, w: number, c = 1, n = 1): ModelInput => ({
  shape: [n, c, h, w],
  values,
});
const run = (x: ModelInput, layer: string, mode: Mode = 'train', step = 1): number[] =>
  runModel({ inputs: { x }, layers: `  - {name: y, ${layer}}`, mode, step }).values['y']!;
const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const samples = (values: readonly number[], size: number): number[][] =>
  Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));
const copies = (n: number, h: number, w: number, c = 1): ModelInput => {
  const one = Array.from({ length: c * h * w }, (_, i) => ((i * 7) % 23) / 25 + 0.02);
  return image(Array.from({ length: n }, () => one).flat(), h, w, c, n);
};

const FIELDS: Readonly<Record<string, string>> = {
  random_crop: ', size: [5, 6], padding: 2',
  random_resized_crop: ', size: [5, 6], scale: [0.2, 0.8]',
  random_rotation: ', degrees: 40',
  random_translation: ', height: 0.3',
  random_zoom: ', scale: [0.5, 2]',
  random_shear: ', x: 30',
  random_affine: ', degrees: 30',
  random_elastic_transform: ', alpha: 6, sigma: 0.5',
  cutout: ', size: 3',
  random_brightness: ', factor: 0.5',
  random_contrast: ', factor: 0.5',
  random_saturation: ', factor: 0.5',
  random_hue: ', factor: 0.4',
  color_jitter: ', brightness: 0.3',
  random_grayscale: ', probability: 0.5',
  random_solarize: ', threshold: 0.5',
  random_posterize: ', bits: 2',
  random_sharpness: ', factor: [0, 2]',
  random_gaussian_blur: ', kernel: 3',
};
const ALONE = Object.keys(AUGMENTATIONS).filter((name) => !['mixup', 'cut_mix', 'affine_grid_sample'].includes(name));

test.each(ALONE)(
  '%s: one seed and step, one result; other draws for each sample and step; nothing elsewhere',
  (name) => {
    const x = copies(8, 5, 6, 3);
    const layer = `type: ${name}${FIELDS[name] ?? ''}`;
    const first = run(x, layer);
    expect(run(x, layer)).toEqual(first);
    expect(run(x, layer, 'train', 2)).not.toEqual(first);
    expect(new Set(samples(first, 90).map((one) => one.join())).size).toBeGreaterThan(1);
    for (const mode of ['eval', 'predict'] as const) expectClose(run(x, layer, mode), x.values, 12);
  },
);

describe('geometry', () => {
  test.each([
    ['random_rotation, degrees: [90, 90]', [3, 6, 9, 2, 5, 8, 1, 4, 7]],
    ['random_affine, degrees: [180, 180]', [9, 8, 7, 6, 5, 4, 3, 2, 1]],
    ['random_flip, probability: 1', [3, 2, 1, 6, 5, 4, 9, 8, 7]],
    ['random_flip, horizontal: false, vertical: true, probability: 1', [7, 8, 9, 4, 5, 6, 1, 2, 3]],
    ['random_flip, vertical: true, probability: 1', [9, 8, 7, 6, 5, 4, 3, 2, 1]],
    ['random_translation, width: [0.34, 0.34], whole: true', [0, 1, 2, 0, 4, 5, 0, 7, 8]],
    ['random_translation, height: [0.34, 0.34], whole: true, border: wrap', [7, 8, 9, 1, 2, 3, 4, 5, 6]],
    ['random_translation, width: [-0.34, -0.34], whole: true, border: reflect', [2, 3, 2, 5, 6, 5, 8, 9, 8]],
    ['random_translation, width: [-0.34, -0.34], whole: true, border: symmetric', [2, 3, 3, 5, 6, 6, 8, 9, 9]],
    ['random_translation, width: [0.34, 0.34], whole: true, value: -1', [-1, 1, 2, -1, 4, 5, -1, 7, 8]],
    ['random_zoom, scale: [2, 2]', [3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7]],
    ['random_zoom, scale: [0.5, 0.5]', [0, 0, 0, 0, 5, 0, 0, 0, 0]],
    // Upper rows move by tan 45° of their height above the middle, as torchvision's shear.
    ['random_shear, x: [45, 45]', [0, 1, 2, 4, 5, 6, 8, 9, 0]],
    ['random_shear, y: [45, 45]', [0, 2, 6, 1, 5, 9, 4, 8, 0]],
    ['random_rotation, degrees: 40, probability: 0', NINE],
  ])('%s', (layer, expected) => {
    expectClose(run(image(NINE, 3, 3), `type: ${layer}`), expected, 6);
  });

  test('affine_grid_sample is affine_grid and grid_sample of PyTorch', () => {
    const x = image(
      Array.from({ length: 12 }, (_, i) => i + 1),
      3,
      4,
    );
    const maps = { shape: [1, 2, 3], values: [0.8, -0.3, 0.1, 0.2, 0.9, -0.15] };
    const at = (fields: string): number[] =>
      runModel({
        inputs: { x, maps },
        layers: `  - {name: y, type: affine_grid_sample, inputs: [x, maps], size: [2, 3]${fields}}`,
      }).values['y']!;
    expectClose(at(''), [1.74, 3.4, 4.85333, 6.33333, 8.2, 10.06667], 4);
    expectClose(at(', border: symmetric'), [1.93333, 3.4, 5.2, 6.33333, 8.2, 10.06667], 4);
    expectClose(at(', corners: align'), [1.425, 2.945, 3.22, 7.2, 9.2, 11.2], 4);
    expectClose(at(', corners: align, border: edge'), [1.9, 3.1, 4.6, 7.2, 9.2, 11.2], 4);
    expectClose(at(', corners: align, border: reflect'), [2.9, 3.3, 4.3, 7.2, 9.2, 11.2], 4);
  });

  test('random_perspective takes the corners of the image to where they were drawn', () => {
    // A channel holds its columns, the other its rows; the mask shows the quadrilateral.
    const [n, h, w] = [6, 21, 31];
    const at = (i: number): number => (i % (2 * h * w) < h * w ? i % w : Math.floor((i % (h * w)) / w));
    const x = image(
      Array.from({ length: n * 2 * h * w }, (_, i) => at(i)),
      h,
      w,
      2,
      n,
    );
    const layers = '  - {name: y, type: random_perspective, probability: 1, border: constant, value: -100}';
    const result = runModel({ inputs: { x }, layers, outputs: ['y', 'y.mask'], mode: 'train' });
    samples(result.values['y.mask']!, h * w).forEach((mask, sample) => {
      const [columns, rows] = samples(result.values['y']!.slice(sample * 2 * h * w, (sample + 1) * 2 * h * w), h * w);
      // Straight lines stay straight: a projective map keeps the cross ratio of points along a row, which four
      // values of columns show.
      const inner = Array.from({ length: w }, (_, j) => 10 * w + j).filter(
        (p) => mask[p] === 1 && columns![p]! >= 0 && rows![p]! >= 0,
      );
      const four = [1, 4, 8, 11].map((k) => columns![inner[k]!]!);
      const ratio = ([a, b, c, d]: readonly number[]): number => ((c! - a!) * (d! - b!)) / ((c! - b!) * (d! - a!));
      expect(ratio(four)).toBeCloseTo(ratio([1, 4, 8, 11]), 4);
      // What is seen reaches from corner to corner of the image.
      const sums = [...mask.keys()].filter((p) => mask[p] === 1).map((p) => columns![p]! + rows![p]!);
      expect(Math.min(...sums.filter((sum) => sum >= 0))).toBeLessThan(3);
      expect(Math.max(...sums)).toBeGreaterThan(w + h - 2 - 3);
      // The middle is always seen, and less than everything.
      expect(mask[10 * w + 15]).toBe(1);
      expect(mean(mask)).toBeLessThan(1);
      expect(mean(mask)).toBeGreaterThan(0.25);
    });
  });

  test('labels move with the image, and what is beyond has its own value', () => {
    const labels = Array.from({ length: 4 * 5 * 7 }, (_, i) => i % 35);
    const result = runModel({
      inputs: {
        x: image(labels, 5, 7, 1, 4),
        m: { shape: [4, 5, 7], values: labels, dtype: 'int32' },
      },
      layers:
        '  - {name: y, type: random_affine, inputs: [x, m], degrees: 50, width: 0.3, scale: [0.7, 1.3], method: nearest, value: 255, mask_value: 255}',
      outputs: ['y', 'y.mask'],
      mode: 'train',
    });
    expect(result.values['y.mask']).toEqual(result.values['y']);
    expect(result.shapes['y.mask']).toEqual([4, 5, 7]);
    expect(result.values['y']).toContain(255);
    expect(new Set(samples(result.values['y']!, 35).map((one) => one.join())).size).toBe(4);
  });

  test('without labels the mask says where the image is', () => {
    const layers = '  - {name: y, type: random_translation, width: [0.34, 0.34], whole: true, border: edge}';
    const result = runModel({ inputs: { x: image(NINE, 3, 3) }, layers, outputs: ['y', 'y.mask'], mode: 'train' });
    expect(result.values['y']).toEqual([1, 1, 2, 4, 4, 5, 7, 7, 8]);
    expect(result.values['y.mask']).toEqual([0, 1, 1, 0, 1, 1, 0, 1, 1]);
  });

  test('crops are pieces of the padded image, everywhere equally often; the middle elsewhere', () => {
    const x = copies(400, 4, 4);
    const plane = x.values.slice(0, 16);
    const counts = new Map<string, number>();
    for (const crop of samples(run(x, 'type: random_crop, size: 3'), 9)) {
      counts.set(crop.join(), (counts.get(crop.join()) ?? 0) + 1);
    }
    const piece = (top: number, left: number): number[] =>
      [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => plane[(top + i) * 4 + left + j]!));
    const pieces = [piece(0, 0), piece(0, 1), piece(1, 0), piece(1, 1)].map((one) => one.join());
    expect([...counts.keys()].sort()).toEqual(pieces.sort());
    for (const count of counts.values()) expect(Math.abs(count - 100)).toBeLessThan(35);
    expect(run(image(NINE, 3, 3), 'type: random_crop, size: 1', 'eval')).toEqual([5]);
    const padded = samples(run(copies(60, 3, 3), 'type: random_crop, size: 3, padding: 3, value: -1'), 9);
    expect(padded.some((one) => one.every((v) => v === -1))).toBe(true);
  });

  test('parts of resized crops have areas and ratios in range', () => {
    // A channel holds its columns, the other its rows: neighbours of the output differ by the step of the reading.
    const ramps = (n: number): ModelInput =>
      image(
        Array.from({ length: n * 2 * 1600 }, (_, i) => (i % 3200 < 1600 ? i % 40 : Math.floor((i % 1600) / 40))),
        40,
        40,
        2,
        n,
      );
    const values = run(ramps(60), 'type: random_resized_crop, size: 5, scale: [0.3, 0.6], ratio: [0.5, 2]');
    const sizes = samples(values, 50).map((one) => [5 * (one[13]! - one[12]!), 5 * (one[42]! - one[37]!)] as const);
    const areas = sizes.map(([w, h]) => (w * h) / 1600);
    expect(Math.min(...areas)).toBeGreaterThan(0.28);
    expect(Math.max(...areas)).toBeLessThan(0.63);
    expect(mean(areas)).toBeCloseTo(0.45, 1);
    const ratios = sizes.map(([w, h]) => w / h);
    expect(Math.min(...ratios)).toBeGreaterThan(0.47);
    expect(Math.max(...ratios)).toBeLessThan(2.1);
    expect(mean(ratios.map(Math.log))).toBeCloseTo(0, 0);
  });
});

describe('erasing', () => {
  test('random_erasing fills rectangles of the areas asked for, with a probability', () => {
    const x = image(Array<number>(200 * 400).fill(1), 20, 20, 1, 200);
    const erased = samples(run(x, 'type: random_erasing, scale: [0.1, 0.3]'), 400);
    const shares = erased.map((one) => one.filter((v) => v === 0).length / 400);
    expect(shares.filter((share) => share > 0).length / 200).toBeCloseTo(0.5, 1);
    for (const share of shares.filter((s) => s > 0)) {
      expect(share).toBeGreaterThan(0.08);
      expect(share).toBeLessThan(0.33);
    }
  });

  test('cutout has its middle anywhere and is cut off at the edges', () => {
    const x = image(Array<number>(100 * 49).fill(1), 7, 7, 1, 100);
    const zeros = samples(run(x, 'type: cutout, size: 3'), 49).map((one) => one.filter((v) => v === 0).length);
    expect(new Set(zeros)).toEqual(new Set([4, 6, 9]));
  });
});

describe('colours', () => {
  const pixel = (values: readonly number[], layer: string): number[] => run(image(values, 1, 1, 3), `type: ${layer}`);

  test('hue turns as in colorsys', () => {
    expectClose(pixel([0.2, 0.5, 0.7], 'random_hue, factor: [0.2, 0.2]'), [0.5, 0.2, 0.7], 6);
    expectClose(pixel([0.9, 0.1, 0.4], 'random_hue, factor: [0.2, 0.2]'), [0.9, 0.76, 0.1], 6);
    expectClose(pixel([0.3, 0.3, 0.3], 'random_hue, factor: [0.2, 0.2]'), [0.3, 0.3, 0.3], 6);
  });

  test.each([
    ['random_brightness, factor: [1.5, 1.5]', [0.3, 0.75, 1]],
    ['random_brightness, factor: [1.1, 1.1], mode: add, value_range: [-1, 1]', [0.4, 0.7, 0.9]],
    ['random_brightness, factor: [2, 2], value_range: none', [0.4, 1, 1.4]],
    ['random_saturation, factor: [0, 0]', [0.43308, 0.43308, 0.43308]],
    ['random_contrast, factor: [0.5, 0.5]', [0.31654, 0.46654, 0.56654]],
    ['random_contrast, factor: [0.5, 0.5], mean: channel', [0.2, 0.5, 0.7]],
    ['random_grayscale, probability: 1', [0.43308, 0.43308, 0.43308]],
    ['random_invert, probability: 1', [0.8, 0.5, 0.3]],
    ['random_solarize, threshold: 0.5, probability: 1', [0.2, 0.5, 0.3]],
    // 51, 128 and 179 of 255, in steps of 64.
    ['random_posterize, bits: 2, probability: 1', [0, 128 / 255, 128 / 255]],
  ])('%s', (layer, expected) => expectClose(pixel([0.2, 0.5, 0.7], layer), expected, 6));

  test('filters: blur is a mirrored Gaussian, sharpness leaves the rim', () => {
    const x = image(
      Array.from({ length: 12 }, (_, i) => i / 12),
      3,
      4,
    );
    const blurred = [
      0.174545, 0.222969, 0.306302, 0.354727, 0.368242, 0.416667, 0.5, 0.548424, 0.56194, 0.610364, 0.693698, 0.742122,
    ];
    expectClose(run(x, 'type: random_gaussian_blur, kernel: 3, sigma: [0.7, 0.7]'), blurred, 5);
    const spot = image([0, 0, 0, 0, 0.13, 0, 0, 0, 0], 3, 3);
    const sharp = (factor: number): number =>
      run(spot, `type: random_sharpness, factor: [${factor}, ${factor}], probability: 1`)[4]!;
    expect(sharp(0)).toBeCloseTo(0.05);
    expect(sharp(2)).toBeCloseTo(0.21);
    const rim = run(wave([1, 1, 4, 4], 0), 'type: random_sharpness, factor: [0, 0], value_range: none, probability: 1');
    expectClose(rim.slice(0, 5), wave([1, 1, 4, 4], 0).values.slice(0, 5));
  });

  test('auto_contrast stretches each channel to both ends and leaves flat ones', () => {
    const x = image([0.2, 0.3, 0.4, 0.4], 1, 2, 2);
    expectClose(run(x, 'type: random_auto_contrast, probability: 1'), [0, 1, 0.4, 0.4]);
  });
});

describe('mixing', () => {
  const N = 300;
  /** Every image holds its own number; its label is the number modulo 3. */
  const inputs = {
    x: image(
      Array.from({ length: N * 64 }, (_, i) => Math.floor(i / 64)),
      8,
      8,
      1,
      N,
    ),
    t: { shape: [N], dtype: 'int32', values: Array.from({ length: N }, (_, i) => i % 3) },
  };
  const mixed = (layer: string, mode: Mode = 'train'): ModelResult =>
    runModel({
      inputs,
      layers: `  - {name: y, inputs: [x, t], classes: 3, type: ${layer}}`,
      outputs: ['y', 'y.labels'],
      mode,
    });

  test('cut_mix: labels go by the area that is left', () => {
    const { values } = mixed('cut_mix');
    const soft = samples(values['y.labels']!, 3);
    let cut = 0;
    samples(values['y']!, 64).forEach((one, i) => {
      const expected = [0, 0, 0];
      for (const v of one) expected[v % 3]! += 1 / 64;
      expectClose(soft[i]!, expected, 6);
      if (one.some((v) => v !== i)) cut++;
    });
    expect(cut).toBeGreaterThan(N / 2);
  });

  test.each([
    // The variance of Beta(a, a) is 1 / (4 (2a + 1)).
    ['1', 1 / 12],
    ['0.2', 1 / 5.6],
    ['4', 1 / 36],
  ])('mixup with alpha %s: shares have the spread of the beta distribution', (alpha, variance) => {
    const { values } = mixed(`mixup, alpha: ${alpha}`);
    const soft = samples(values['y.labels']!, 3);
    for (const row of soft) expect(row.reduce((sum, p) => sum + p)).toBeCloseTo(1, 6);
    // Where the partner has another label, the share of the own one is seen.
    const shares = soft.flatMap((row, i) => (row.filter((p) => p > 0).length === 2 ? [row[i % 3]!] : []));
    expect(shares.length).toBeGreaterThan(N / 2);
    expect(mean(shares)).toBeCloseTo(0.5, 1);
    expect(mean(shares.map((s) => (s - 0.5) ** 2))).toBeGreaterThan(variance * 0.8);
    expect(mean(shares.map((s) => (s - 0.5) ** 2))).toBeLessThan(variance * 1.2);
  });

  test('per batch there is one share, and elsewhere images pass with labels of ones', () => {
    const shares = samples(mixed('mixup, per: batch, alpha: 1').values['y.labels']!, 3).flatMap((row) =>
      row.filter((p) => p > 0 && p < 1).map((p) => p.toFixed(5)),
    );
    expect(new Set(shares).size).toBe(2);
    const { values } = mixed('mixup', 'eval');
    expect(values['y']).toEqual([...inputs.x.values]);
    expect(samples(values['y.labels']!, 3)[4]).toEqual([0, 1, 0]);
  });
});

test.each([
  ['random_flip, horizontal: false', /it mirrors nothing/],
  ['random_crop, size: 9', /9×9 does not fit into 5×6/],
  ['random_crop, size: 3, value: 1', /no effect without `padding`/],
  ['random_rotation, degrees: 3, border: edge, value: 1', /no effect with `border: edge`/],
  ['random_rotation, degrees: 3, mask_value: 1', /there is no mask to fill/],
  ['random_rotation, degrees: [3, 1]', /nothing lies between 3 and 1/],
  ['random_erasing, fill: noise, value: 2', /no effect with `fill: noise`/],
  ['random_elastic_transform', /too many for images of 5×6/],
  ['random_gaussian_blur, kernel: 4', /no middle/],
  ['random_gaussian_blur, kernel: 11', /cannot be mirrored so far/],
  ['color_jitter', /it changes nothing/],
  ['random_brightness, factor: 0.1, mode: add, value_range: none', /goes by the range/],
  ['random_invert, value_range: [1, 0]', /nothing lies between 1 and 0/],
])('%s is refused', (layer, message) => {
  expect(
    problemOf({ inputs: { x: copies(2, 5, 6, 3) }, layers: `  - {name: y, type: ${layer}}`, mode: 'train' }),
  ).toMatch(message);
});

test.each([
  ['mixup, inputs: [x, t]', /class numbers need it/],
  ['mixup, inputs: [x, p], classes: 3', /probabilities already/],
  ['random_flip, inputs: [x, t]', /a mask of these images is/],
])('%s is refused', (layer, message) => {
  const inputs = {
    x: copies(2, 5, 6, 3),
    t: { shape: [2], values: [0, 1], dtype: 'int32' },
    p: { shape: [2, 3], values: [0, 1, 0, 1, 0, 0] },
  };
  expect(problemOf({ inputs, layers: `  - {name: y, type: ${layer}}`, mode: 'train' })).toMatch(message);
});

test('a model trains on mixed labels, and predicts without any', () => {
  const spec = loadSpecText(
    `inputs: {x: {shape: [N, 3, 8, 8]}, t: {shape: [N], dtype: int32}}
layers:
  - {name: turned, type: random_flip, inputs: x}
  - {name: mixed, type: cut_mix, inputs: [turned, t], classes: 5, when: [train, eval], else: turned}
  - {name: flat, type: flatten, inputs: mixed}
  - {name: scores, type: dense, units: 5}
outputs: [scores]
losses: [{type: cross_entropy, inputs: [scores, mixed.labels]}]
train: {epochs: 1, batch_size: 4, optimizer: {type: sgd, lr: 0.1}}`,
    'model.yaml',
  );
  const names = ({ inputs }: { readonly inputs: readonly { readonly name: string }[] }): string[] =>
    inputs.map(({ name }) => name);
  expect(names(lowerTraining(spec, 4).graph)).toEqual(expect.arrayContaining(['x', 't', 'rng']));
  expect(names(lowerModel(spec, { batch: 4, mode: 'predict' }).graph)).toEqual(['x']);
});
