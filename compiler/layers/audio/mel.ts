/** Spectrograms on the mel scale, their logarithm, and the cepstral coefficients of it. */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import { defineLayer, type LowerContext } from '../define';
import { numberOf, positive, wordOf } from '../fields';
import { spectrum } from './fourier';
import { FRAME_FIELDS, framingOf, requireSignals } from './framing';
import { tableOf } from '../table';

interface Scale {
  readonly mel: (hertz: number) => number;
  readonly hertz: (mel: number) => number;
}

/** O'Shaughnessy's formula, as in HTK and torchaudio. */
const HTK: Scale = {
  mel: (hertz) => 2595 * Math.log10(1 + hertz / 700),
  hertz: (mel) => 700 * (10 ** (mel / 2595) - 1),
};

/** Slaney's Auditory Toolbox, as in librosa: linear below 1000 Hz, logarithmic above. */
const STEP = 200 / 3;
const KNEE = 1000 / STEP;
const GROWTH = Math.log(6.4) / 27;
const SLANEY: Scale = {
  mel: (hertz) => (hertz < 1000 ? hertz / STEP : KNEE + Math.log(hertz / 1000) / GROWTH),
  hertz: (mel) => (mel < KNEE ? mel * STEP : 1000 * Math.exp(GROWTH * (mel - KNEE))),
};

export const MEL_FIELDS: Readonly<Record<string, FieldSchema>> = {
  ...FRAME_FIELDS,
  sample_rate: positive('Samples in a second.', { default: 16000 }),
  mels: positive('How many bands there are.', { maximum: 4096, default: 80 }),
  low: { description: 'Lower end of the lowest band, in hertz.', type: 'number', minimum: 0, default: 0 },
  high: {
    description: 'Upper end of the highest band; by default half of the sample rate.',
    type: 'number',
    minimum: 0,
  },
  scale: { description: 'The formula of the mel scale.', enum: ['htk', 'slaney'], default: 'htk' },
  norm: {
    description: 'Triangles of height 1 (`none`), or of area 1 (`slaney`, librosa).',
    enum: ['none', 'slaney'],
    default: 'none',
  },
  power: { description: '2 for the energy, 1 for the magnitude.', type: 'number', exclusiveMinimum: 0, default: 2 },
};

/** Triangles over the bins of a transform, [bins, mels]. */
export function melFilters(context: LowerContext, size: number): readonly number[] {
  const { fields } = context;
  const rate = numberOf(fields, 'sample_rate');
  const mels = numberOf(fields, 'mels');
  const low = numberOf(fields, 'low');
  const high = fields['high'] === undefined ? rate / 2 : numberOf(fields, 'high');
  if (high > rate / 2) context.fail(['high'], `${high} Hz is above half of the sample rate of ${rate}`);
  if (low >= high) context.fail(['low'], `the bands would go from ${low} to ${high} Hz`);
  const { mel, hertz } = wordOf(fields, 'scale') === 'htk' ? HTK : SLANEY;
  const [from, to] = [mel(low), mel(high)];
  const corners = tableOf(mels + 2, (i) => hertz(from + ((to - from) * i) / (mels + 1)));
  const bins = Math.floor(size / 2) + 1;
  const byArea = wordOf(fields, 'norm') === 'slaney';
  return tableOf(bins * mels, (i) => {
    const frequency = (Math.floor(i / mels) * rate) / size;
    const [left, peak, right] = [corners[i % mels]!, corners[(i % mels) + 1]!, corners[(i % mels) + 2]!];
    const height = Math.max(0, Math.min((frequency - left) / (peak - left), (right - frequency) / (right - peak)));
    return byArea ? (height * 2) / (right - left) : height;
  });
}

function melSpectrum(context: LowerContext, input: Value): Value {
  requireSignals(context, input);
  const { b, fields } = context;
  const framing = framingOf(context);
  const energy = spectrum(context, input, framing, numberOf(fields, 'power'));
  const mels = numberOf(fields, 'mels');
  const bins = Math.floor(framing.size / 2) + 1;
  const filters = b.constant(melFilters(context, framing.size), [bins, mels]);
  return b.op('matmul', [energy, filters], { transpose_a: false, transpose_b: false });
}

const LOG_FIELDS: Readonly<Record<string, FieldSchema>> = {
  log: {
    description: 'Leaves the energies, or takes their natural logarithm, or gives decibels.',
    enum: ['none', 'natural', 'decibel'],
    default: 'none',
  },
  floor: {
    description: 'Energies below are taken as this before the logarithm; by default 1e-10. Needs `log`.',
    type: 'number',
    exclusiveMinimum: 0,
  },
  top_db: {
    description: 'Nothing is further below the loudest of its sample than this. Needs `log: decibel`.',
    type: 'number',
    exclusiveMinimum: 0,
  },
};

function logarithm(context: LowerContext, energy: Value, kind: string): Value {
  const { b, fields } = context;
  const floor = fields['floor'];
  const top = fields['top_db'];
  if (kind === 'none' && floor !== undefined) context.fail(['floor'], 'without `log` nothing has a floor');
  if (kind !== 'decibel' && top !== undefined) context.fail(['top_db'], 'only decibels are held below the loudest');
  if (kind === 'none') return energy;
  const held = b.op('maximum', [energy, b.full(typeof floor === 'number' ? floor : 1e-10)]);
  const natural = b.op('log', [held]);
  if (kind === 'natural') return natural;
  // Ten times the decimal logarithm of an energy, twenty of a magnitude.
  const decibels = b.op('mul', [natural, b.full(20 / numberOf(fields, 'power') / Math.LN10)]);
  if (typeof top !== 'number') return decibels;
  const loudest = b.op('reduce_max', [decibels], { axes: [1, 2], keepdims: true });
  return b.op('maximum', [decibels, b.op('sub', [loudest, b.full(top)])]);
}

const SIGNAL = { shape: ['N', 29] } as const;
const SMALL = { n_fft: 16, hop: 8, mels: 5, sample_rate: 100 } as const;

export const melSpectrogram = defineLayer({
  type: 'mel_spectrogram',
  summary: 'A spectrogram in bands that are as wide as hearing has them, and its logarithm.',
  details:
    "Input [N, samples], output [N, T, mels]: triangles that are evenly spaced on the mel scale, over |X|^power of `stft`. The defaults are torchaudio's MelSpectrogram; `scale: slaney, norm: slaney` is librosa's. `log: decibel` is 10 · log10 of the energy, torchaudio's AmplitudeToDB.",
  example: '{name: mels, type: mel_spectrogram, n_fft: 16, hop: 8, mels: 5, sample_rate: 100, log: natural}',
  fields: { ...MEL_FIELDS, ...LOG_FIELDS },
  arity: [1, 1],
  samples: [
    { inputs: [SIGNAL], fields: { ...SMALL, log: 'natural' } },
    { inputs: [SIGNAL], fields: { ...SMALL, scale: 'slaney', norm: 'slaney', low: 2, high: 45 } },
    { inputs: [SIGNAL], fields: { ...SMALL, log: 'decibel', top_db: 30, floor: 1e-5, power: 1 } },
  ],
  lower(context, inputs) {
    return logarithm(context, melSpectrum(context, inputs[0]!), wordOf(context.fields, 'log'));
  },
});

export const mfcc = defineLayer({
  type: 'mfcc',
  summary: 'Mel-frequency cepstral coefficients: the cosine transform of the logarithmic mel spectrogram.',
  details:
    "Input [N, samples], output [N, T, coefficients]. The transform is the orthonormal DCT-II over decibels (torchaudio's MFCC, librosa's with `scale: slaney, norm: slaney`, both with `top_db: 80`), or over the natural logarithm. `lifter` L multiplies coefficient k by 1 + L/2 · sin(π·(k + 1) / L) (librosa).",
  example: '{name: cepstrum, type: mfcc, n_fft: 16, hop: 8, mels: 5, sample_rate: 100, coefficients: 4}',
  fields: {
    ...MEL_FIELDS,
    ...LOG_FIELDS,
    log: { description: 'What is transformed.', enum: ['natural', 'decibel'], default: 'decibel' },
    coefficients: positive('How many coefficients are kept.', { default: 13 }),
    lifter: { description: 'Weight of the higher coefficients; 0 for none.', type: 'number', minimum: 0, default: 0 },
  },
  arity: [1, 1],
  samples: [
    { inputs: [SIGNAL], fields: { ...SMALL, coefficients: 4 } },
    { inputs: [SIGNAL], fields: { ...SMALL, coefficients: 5, lifter: 22, log: 'natural' } },
  ],
  lower(context, inputs) {
    const { b, fields } = context;
    const mels = numberOf(fields, 'mels');
    const count = numberOf(fields, 'coefficients');
    if (count > mels) context.fail(['coefficients'], `${mels} bands have no ${count} coefficients`);
    const lifter = numberOf(fields, 'lifter');
    const table = tableOf(mels * count, (i) => {
      const [m, k] = [Math.floor(i / count), i % count];
      const weight = lifter === 0 ? 1 : 1 + (lifter / 2) * Math.sin((Math.PI * (k + 1)) / lifter);
      return weight * Math.sqrt((k === 0 ? 1 : 2) / mels) * Math.cos((Math.PI * k * (2 * m + 1)) / (2 * mels));
    });
    const loudness = logarithm(context, melSpectrum(context, inputs[0]!), wordOf(fields, 'log'));
    const attrs = { transpose_a: false, transpose_b: false };
    return b.op('matmul', [loudness, b.constant(table, [mels, count])], attrs);
  },
});
