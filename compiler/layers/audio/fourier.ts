/**
 * The short-time Fourier transform as a matrix product with the windowed cosines and sines, which for the lengths of
 * audio front ends costs about as much as a fast transform and runs, and is differentiated, like any dense layer.
 */
import type { Value } from '../../ir/graph';
import { defineLayer, type LowerContext } from '../define';
import { numberOf } from '../fields';
import { centredFrames, FRAME_FIELDS, framingOf, requireSignals, type Framing } from './framing';
import { tableOf } from '../table';

/** Re and Im of each frame's transform, [N, T, n_fft / 2 + 1]. */
export function transform(context: LowerContext, input: Value, framing: Framing): readonly [Value, Value] {
  const { b } = context;
  const { size, window } = framing;
  const frames = centredFrames(context, input, framing);
  const bins = Math.floor(size / 2) + 1;
  const table = (wave: (angle: number) => number): Value => {
    // The angle within one turn: the product of sample and bin may be large.
    const at = (i: number): number => {
      const [sample, bin] = [Math.floor(i / bins), i % bins];
      return window[sample]! * wave((2 * Math.PI * ((sample * bin) % size)) / size);
    };
    return b.constant(
      tableOf(size * bins, (i) => at(i)),
      [size, bins],
    );
  };
  const product = (matrix: Value): Value =>
    b.op('matmul', [frames, matrix], { transpose_a: false, transpose_b: false });
  return [product(table(Math.cos)), product(table((angle) => -Math.sin(angle)))];
}

/** |X|^power. The magnitude has no slope at 0; there its gradient is 0. */
export function spectrum(context: LowerContext, input: Value, framing: Framing, power: number): Value {
  const { b } = context;
  const [real, imaginary] = transform(context, input, framing);
  const energy = b.op('add', [b.op('square', [real]), b.op('square', [imaginary])]);
  if (power === 2) return energy;
  const silent = b.op('equal', [energy, b.full(0)]);
  const safe = b.op('sqrt', [b.op('where', [silent, b.full(1), energy])]);
  const magnitude = b.op('where', [silent, b.full(0), safe]);
  return power === 1 ? magnitude : b.op('pow', [magnitude, b.full(power)]);
}

const SIGNAL = { shape: ['N', 23] } as const;

export const stft = defineLayer({
  type: 'stft',
  summary: 'The short-time Fourier transform: real parts, and imaginary parts as a second output.',
  details:
    "Input [N, samples], outputs [N, T, n_fft / 2 + 1], `name` and `name.imaginary`; T = 1 + ⌊samples / hop⌋ with `center`, 1 + ⌊(samples − n_fft) / hop⌋ without. X[t, k] = Σ window[i] · x[t·hop + i] · e^(−2πi·ik / n_fft): PyTorch's `stft`, which has its last two axes the other way round.",
  example: '{name: spectrum, type: stft, n_fft: 8, hop: 4}',
  fields: FRAME_FIELDS,
  arity: [1, 1],
  outputs: ['imaginary'],
  samples: [
    { inputs: [SIGNAL], fields: { n_fft: 8, hop: 4 } },
    { inputs: [SIGNAL], fields: { n_fft: 7, hop: 3, window_length: 5, window: 'hamming', center: false } },
  ],
  lower(context, inputs) {
    requireSignals(context, inputs[0]!);
    return transform(context, inputs[0]!, framingOf(context));
  },
});

export const spectrogram = defineLayer({
  type: 'spectrogram',
  summary: 'How strong each frequency is in each frame of a signal.',
  details:
    "Input [N, samples], output [N, T, n_fft / 2 + 1]: |X|^power of the short-time Fourier transform (`stft`). torchaudio's Spectrogram has its last two axes the other way round.",
  example: '{name: spectrum, type: spectrogram, n_fft: 8, hop: 4}',
  fields: {
    ...FRAME_FIELDS,
    power: { description: '2 for the energy, 1 for the magnitude.', type: 'number', exclusiveMinimum: 0, default: 2 },
  },
  arity: [1, 1],
  samples: [
    { inputs: [SIGNAL], fields: { n_fft: 8, hop: 4 } },
    { inputs: [SIGNAL], fields: { n_fft: 6, hop: 4, power: 1, window: 'blackman' } },
    { inputs: [SIGNAL], fields: { n_fft: 6, power: 1.5, window: 'none', center: false } },
  ],
  lower(context, inputs) {
    requireSignals(context, inputs[0]!);
    return spectrum(context, inputs[0]!, framingOf(context), numberOf(context.fields, 'power'));
  },
});
