/** What is done to a signal, or to features of its frames, before a network sees them. */
import type { Value } from '../../ir/graph';
import { defineLayer, type LowerContext } from '../define';
import { numberOf, positive, wordOf } from '../fields';
import { bordered } from '../shape/pad';
import { requireFloat } from '../window';
import { framed, requireSignals } from './framing';
import { tableOf } from '../table';

export const frames = defineLayer({
  type: 'frames',
  summary: 'Cuts a signal into overlapping frames.',
  details:
    'Input [N, samples], output [N, T, length] with T = 1 + ⌊(samples − length) / hop⌋; what is left over is dropped.',
  example: '{name: pieces, type: frames, length: 6, hop: 3}',
  fields: {
    length: positive('Samples in a frame.', { maximum: 2 ** 20 }),
    hop: positive('Samples from one frame to the next; by default the length.'),
  },
  required: ['length'],
  arity: [1, 1],
  samples: [
    { inputs: [{ shape: ['N', 13] }], fields: { length: 6, hop: 3 } },
    { inputs: [{ shape: ['N', 13] }], fields: { length: 5, hop: 3 } },
    { inputs: [{ shape: ['N', 13] }], fields: { length: 4 } },
  ],
  lower(context, inputs) {
    requireSignals(context, inputs[0]!);
    const length = numberOf(context.fields, 'length');
    const hop = context.fields['hop'] === undefined ? length : numberOf(context.fields, 'hop');
    return framed(context, inputs[0]!, length, hop);
  },
});

export const preEmphasis = defineLayer({
  type: 'pre_emphasis',
  summary: 'Lifts high frequencies: y[t] = x[t] − coefficient · x[t − 1].',
  details: 'Input and output [N, samples]; the first sample is its own neighbour, as in torchaudio and Kaldi.',
  example: '{name: lifted, type: pre_emphasis}',
  fields: { coefficient: { description: 'How much of the neighbour is taken off.', type: 'number', default: 0.97 } },
  arity: [1, 1],
  samples: [{ inputs: [{ shape: ['N', 7] }] }, { inputs: [{ shape: ['N', 1] }], fields: { coefficient: 0.5 } }],
  lower(context, inputs) {
    const { b } = context;
    const x = inputs[0]!;
    const [n, samples] = requireSignals(context, x);
    const first = b.op('slice', [x], { starts: [0, 0], limits: [n, 1], strides: [1, 1] });
    const before =
      samples === 1
        ? first
        : b.op('concat', [first, b.op('slice', [x], { starts: [0, 0], limits: [n, samples - 1], strides: [1, 1] })], {
            axis: 1,
          });
    return b.op('sub', [x, b.op('mul', [before, b.full(numberOf(context.fields, 'coefficient'))])]);
  },
});

export const delta = defineLayer({
  type: 'delta',
  summary: 'How features change along time, by regression over a window of frames.',
  details:
    "Input and output [N, T, C]: d[t] = Σ n · (x[t + n] − x[t − n]) / (2 · Σ n²), n = 1 … (window − 1) / 2, the ends repeated: torchaudio's compute_deltas, Kaldi's and HTK's deltas.",
  example: '{name: change, type: delta, window: 5}',
  fields: { window: positive('Frames that are looked at, odd and at least 3.', { minimum: 3, default: 5 }) },
  arity: [1, 1],
  samples: [{ inputs: [{ shape: ['N', 7, 3] }] }, { inputs: [{ shape: ['N', 2, 3] }], fields: { window: 3 } }],
  lower(context, inputs) {
    const { b } = context;
    const x = inputs[0]!;
    requireFloat(context, x);
    const [n, steps, channels] = x.type.shape;
    if (x.type.shape.length !== 3 || n === undefined || steps === undefined || channels === undefined) {
      return context.mismatch('shape', 'it works on sequences of shape [N, T, C]');
    }
    const window = numberOf(context.fields, 'window');
    if (window % 2 === 0) context.fail(['window'], `a window of ${window} has no middle`);
    const half = (window - 1) / 2;
    const wide = bordered(context, x, 1, [half, half], 'edge');
    const shifted = (by: number): Value =>
      b.op('slice', [wide], {
        starts: [0, half + by, 0],
        limits: [n, half + by + steps, channels],
        strides: [1, 1, 1],
      });
    const norm = (half * (half + 1) * (2 * half + 1)) / 3;
    const parts = tableOf(half, (i) =>
      b.op('mul', [b.op('sub', [shifted(i + 1), shifted(-i - 1)]), b.full((i + 1) / norm)]),
    );
    return parts.reduce((sum, part) => b.op('add', [sum, part]));
  },
});

export const muLaw = defineLayer({
  type: 'mu_law',
  summary: 'Compands a signal from −1 to 1: fine steps where it is quiet, coarse ones where it is loud.',
  details:
    'sign(x) · log(1 + μ|x|) / log(1 + μ) with μ = channels − 1, or with `direction: decode` its inverse; any shape. `quantize` (encoding only) gives the channel, int32 from 0 to channels − 1, as torchaudio and WaveNet.',
  example: '{name: companded, type: mu_law}',
  fields: {
    channels: positive('Steps from −1 to 1.', { minimum: 2, default: 256 }),
    direction: { description: 'There or back.', enum: ['encode', 'decode'], default: 'encode' },
    quantize: { description: 'Gives whole channels.', type: 'boolean', default: false },
  },
  arity: [1, 1],
  samples: [
    { inputs: [{ shape: ['N', 5] }] },
    { inputs: [{ shape: ['N', 5] }], fields: { direction: 'decode', channels: 16 } },
    { inputs: [{ shape: ['N', 5] }], fields: { quantize: true, channels: 16 }, wrt: [] },
  ],
  lower(context, inputs) {
    const { b, fields } = context;
    const x = inputs[0]!;
    requireFloat(context, x);
    const mu = numberOf(fields, 'channels') - 1;
    const size = b.op('abs', [x]);
    if (wordOf(fields, 'direction') === 'decode') {
      if (fields['quantize'] === true) context.fail(['quantize'], 'only encoding gives channels');
      const grown = b.op('expm1', [b.op('mul', [size, b.full(Math.log1p(mu))])]);
      return b.op('mul', [b.op('sign', [x]), b.op('mul', [grown, b.full(1 / mu)])]);
    }
    const shrunk = b.op('mul', [b.op('log1p', [b.op('mul', [size, b.full(mu)])]), b.full(1 / Math.log1p(mu))]);
    const companded = b.op('mul', [b.op('sign', [x]), shrunk]);
    if (fields['quantize'] !== true) return companded;
    const channel = b.op('mul', [b.op('add', [companded, b.full(1)]), b.full(mu / 2)]);
    return b.op('cast', [b.op('add', [channel, b.full(0.5)])], { dtype: 'i32' });
  },
});

export const specAugment = defineLayer({
  type: 'spec_augment',
  summary: 'Masks stretches of time and bands of frequency of each sample, in training alone.',
  details:
    'Input and output [N, T, F]. Each mask has a width drawn evenly from 0 to its greatest and a place drawn evenly (Park et al. 2019); `time_share` holds the width of time masks below a share of the length. Elsewhere it passes its input on.',
  example: '{name: masked, type: spec_augment, time_masks: 2, time_width: 3, frequency_masks: 1, frequency_width: 2}',
  fields: {
    time_masks: { description: 'Masks along time.', type: 'integer', minimum: 0, maximum: 100, default: 2 },
    time_width: { description: 'Greatest width of a time mask, in frames.', type: 'integer', minimum: 0, default: 40 },
    time_share: {
      description: 'Greatest width of a time mask, as a share of the length.',
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1,
    },
    frequency_masks: { description: 'Masks along frequency.', type: 'integer', minimum: 0, maximum: 100, default: 2 },
    frequency_width: {
      description: 'Greatest width of a frequency mask, in bands.',
      type: 'integer',
      minimum: 0,
      default: 15,
    },
    value: { description: 'What masked places hold.', type: 'number', default: 0 },
  },
  arity: [1, 1],
  samples: [
    { inputs: [{ shape: ['N', 9, 7] }], fields: { time_width: 3, frequency_width: 2 } },
    { inputs: [{ shape: ['N', 9, 7] }], fields: { time_masks: 0, frequency_masks: 1, frequency_width: 7, value: 0.5 } },
  ],
  lower(context, inputs) {
    const x = inputs[0]!;
    requireFloat(context, x);
    const [, steps, bands] = x.type.shape;
    if (x.type.shape.length !== 3 || steps === undefined || bands === undefined) {
      return context.mismatch('shape', 'it works on spectrograms of shape [N, T, F]');
    }
    if (context.mode !== 'train') return x;
    const { fields } = context;
    const widest = Math.min(numberOf(fields, 'time_width'), Math.floor(numberOf(fields, 'time_share') * steps));
    const time = tableOf(numberOf(fields, 'time_masks'), (i) => mask(context, x, 1, widest, `time ${i}`));
    const width = numberOf(fields, 'frequency_width');
    const bandsOf = tableOf(numberOf(fields, 'frequency_masks'), (i) => mask(context, x, 2, width, `frequency ${i}`));
    const { b } = context;
    const fill = b.full(numberOf(fields, 'value'));
    return [...time, ...bandsOf].reduce((left, hidden) => b.op('where', [hidden, fill, left]), x);
  },
});

/** True from a drawn place on for a drawn width, along one axis, another for each sample. */
function mask(context: LowerContext, x: Value, axis: number, widest: number, purpose: string): Value {
  const { b } = context;
  const [n = 1] = x.type.shape;
  const extent = x.type.shape[axis] ?? 1;
  const draw = (what: string): Value =>
    b.op('random_uniform', [context.rng()], {
      shape: [n, 1, 1],
      low: 0,
      high: 1,
      stream: context.stream(`${purpose} ${what}`),
    });
  const width = b.op('floor', [b.op('mul', [draw('width'), b.full(Math.min(widest, extent) + 1)])]);
  const room = b.op('sub', [b.full(extent + 1), width]);
  const from = b.op('floor', [b.op('mul', [draw('place'), room])]);
  const shape = [1, 1, 1].with(axis, extent);
  const places = b.constant(
    tableOf(extent, (i) => i),
    shape,
  );
  const begun = b.op('greater_equal', [places, from]);
  return b.op('and', [begun, b.op('less', [places, b.op('add', [from, width])])]);
}
