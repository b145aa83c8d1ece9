/** Audio front ends against numbers of torch.stft and of the formulas of torchaudio and librosa, computed with NumPy. */
import { expectClose, runLayer, shapeOf } from '../support/layer';

const SIGNAL = Array.from({ length: 29 }, (_, i) => Math.sin(0.9 * i) + 0.3 * Math.cos(2.1 * i) + 0.05 * i);
const on = (layers: string, x: readonly number[] = SIGNAL): ReturnType<typeof runLayer> =>
  runLayer({ x, shape: [1, x.length], layers });

describe('the short-time Fourier transform', () => {
  test('is that of PyTorch, mirrored at the ends', () => {
    const { values, shape } = on('type: stft, n_fft: 16, hop: 8');
    expect(shape).toEqual([1, 4, 9]);
    expectClose(
      values.slice(9, 18),
      [3.033931, -2.554995, 2.989154, -2.29158, 0.100583, 0.557449, -0.398304, 0.067268, 0.026917],
      5,
    );
    const imaginary = on(
      '  - {name: s, type: stft, n_fft: 16, hop: 8}\n  - {name: y, type: identity, inputs: s.imaginary}'
        .replace('type: stft', 'type: stft, inputs: x')
        .trimEnd(),
    );
    expectClose(
      imaginary.values.slice(9, 18),
      [0, 1.453903, -2.488501, 1.667034, -0.480168, 0.939057, -0.822305, 0.092541, 0],
      5,
    );
  });

  test('puts a short window in the middle, at any hop', () => {
    const layers = 'type: spectrogram, n_fft: 16, hop: 5, window_length: 10, window: hamming, center: false, power: 1';
    const { values, shape } = on(layers);
    expect(shape).toEqual([1, 3, 9]);
    expectClose(
      values.slice(18),
      [4.395294, 3.044973, 2.002219, 2.19982, 1.014213, 0.810481, 0.644704, 0.300482, 0.190786],
      5,
    );
  });

  test('has no slope where it is silent, instead of NaN', () => {
    const silent = on(
      'type: spectrogram, n_fft: 8, power: 1',
      Array.from({ length: 9 }, () => 0),
    );
    expect(new Set([...silent.values, ...silent.gradient])).toEqual(new Set([0]));
  });
});

describe('the mel scale', () => {
  const mel = 'n_fft: 16, hop: 8, mels: 5, sample_rate: 100';

  test("is torchaudio's by default", () => {
    expectClose(
      on(`type: mel_spectrogram, ${mel}`).values.slice(5, 10),
      [13.663336, 13.776714, 2.859685, 1.349806, 0.457787],
      5,
    );
  });

  test("is librosa's with slaney", () => {
    const layers =
      'type: mel_spectrogram, n_fft: 16, hop: 8, mels: 4, low: 300, high: 7000, scale: slaney, norm: slaney';
    expectClose(
      on(layers)
        .values.slice(4, 8)
        .map((v) => v * 1e3),
      [10.768798, 11.129565, 10.52536, 1.802549],
      5,
    );
  });

  test('gives cepstral coefficients by an orthonormal cosine transform of decibels', () => {
    const { values } = on(`type: mfcc, ${mel}, coefficients: 4, top_db: 80`);
    expectClose(values.slice(4, 8), [11.278528, 12.621967, -1.292953, -0.585503], 5);
  });
});

test('deltas are regressions over a window, the ends repeated', () => {
  const x = Array.from({ length: 12 }, (_, k) => {
    const [i, j] = [Math.floor(k / 2), k % 2];
    return i * i * 0.1 + j * i;
  });
  const { values } = runLayer({ x, shape: [1, 6, 2], layers: 'type: delta, window: 5' });
  expectClose(values, [0.09, 0.59, 0.22, 1.02, 0.4, 1.4, 0.6, 1.6, 0.58, 1.38, 0.41, 0.91], 6);
});

test('mu-law and its inverse are those of torchaudio', () => {
  const x = [-1, -0.5, 0, 0.01, 0.7];
  expectClose(on('type: mu_law', x).values, [-1, -0.875703, 0, 0.228477, 0.93598], 5);
  expectClose(on('  - {name: m, type: mu_law}\n  - {name: y, type: mu_law, direction: decode}', x).values, x, 6);
  expectClose(on('type: mu_law, quantize: true', x).values, [0, 16, 128, 157, 247]);
});

test('pre-emphasis takes off the neighbour before', () => {
  expectClose(on('type: pre_emphasis, coefficient: 0.5', [2, 4, 1]).values, [1, 3, -1]);
});

test('frames overlap by hops, whole or not', () => {
  const x = [0, 1, 2, 3, 4, 5, 6, 7];
  expectClose(on('type: frames, length: 4, hop: 2', x).values, [0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7]);
  expectClose(on('type: frames, length: 4, hop: 3', x).values, [0, 1, 2, 3, 3, 4, 5, 6]);
});

describe('spec_augment', () => {
  const x = Array.from({ length: 2 * 40 * 12 }, () => 1);
  const layers = 'type: spec_augment, time_masks: 1, time_width: 10, frequency_masks: 1, frequency_width: 4';
  const run = (mode: 'train' | 'eval'): number[] => runLayer({ x, shape: [2, 40, 12], layers, mode }).values;

  test('hides stretches of time and bands, another choice for each sample', () => {
    const values = run('train');
    const sample = (n: number): number[][] =>
      Array.from({ length: 40 }, (_, t) => values.slice((n * 40 + t) * 12, (n * 40 + t + 1) * 12));
    for (const n of [0, 1]) {
      const rows = sample(n);
      const hiddenRows = rows.flatMap((row, t) => (row.every((v) => v === 0) ? [t] : []));
      expect(hiddenRows.length).toBeLessThanOrEqual(10);
      hiddenRows.forEach((t, i) => expect(t).toBe(hiddenRows[0]! + i));
      const left = rows.filter((_, t) => !hiddenRows.includes(t));
      expect(new Set(left.map((row) => row.join())).size).toBe(1);
    }
    expect(sample(0)).not.toEqual(sample(1));
  });

  test('is absent elsewhere', () => expect(run('eval')).toEqual(x));
});

test.each([
  ['type: stft, n_fft: 16, window_length: 20', /a window of 20 does not fit/],
  ['type: stft, n_fft: 64, center: false', /a frame of 64 samples does not fit into 29/],
  ['type: mel_spectrogram, n_fft: 16, sample_rate: 100, high: 80', /80 Hz is above half/],
  ['type: mel_spectrogram, n_fft: 16, floor: 1', /without `log`/],
  ['type: mfcc, n_fft: 16, mels: 4, coefficients: 5', /4 bands have no 5 coefficients/],
  ['type: mu_law, direction: decode, quantize: true', /only encoding gives channels/],
])('%s is refused', (layers, message) => expect(shapeOf([1, 29], layers)).toMatch(message));
