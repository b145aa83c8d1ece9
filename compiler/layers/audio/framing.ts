/** Signals cut into overlapping frames, and the windows that frames are weighted with. */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import type { LowerContext } from '../define';
import { flagOf, numberOf, positive, wordOf } from '../fields';
import { bordered } from '../shape/pad';
import { requireFloat } from '../window';
import { tableOf } from '../table';

/** Constants of a front end beyond this are a slip of the pen. */
const LARGEST_FRAME = 2 ** 14;

/** Fields of everything that is computed frame by frame. */
export const FRAME_FIELDS: Readonly<Record<string, FieldSchema>> = {
  n_fft: positive('Length of the Fourier transform.', { maximum: LARGEST_FRAME, default: 400 }),
  window_length: positive('Length of the window, in the middle of the transform; by default `n_fft`.'),
  hop: positive('Samples from one frame to the next; by default half of the window.'),
  window: {
    description: 'Weights of the samples in a frame; periodic, as in PyTorch and librosa.',
    enum: ['hann', 'hamming', 'blackman', 'none'],
    default: 'hann',
  },
  center: {
    description: 'Frames stand around their moments: the signal is mirrored at both ends by half of `n_fft`.',
    type: 'boolean',
    default: true,
  },
};

export interface Framing {
  readonly size: number;
  readonly hop: number;
  readonly window: readonly number[];
  readonly center: boolean;
}

export function framingOf(context: LowerContext): Framing {
  const { fields } = context;
  const size = numberOf(fields, 'n_fft');
  const length = fields['window_length'] === undefined ? size : numberOf(fields, 'window_length');
  if (length > size) context.fail(['window_length'], `a window of ${length} does not fit into a transform of ${size}`);
  const hop = fields['hop'] === undefined ? Math.max(1, Math.floor(length / 2)) : numberOf(fields, 'hop');
  const before = Math.floor((size - length) / 2);
  const shape = WINDOWS[wordOf(fields, 'window')]!;
  const window = tableOf(size, (i) => {
    const k = i - before;
    return k >= 0 && k < length ? shape((2 * Math.PI * k) / length) : 0;
  });
  return { size, hop, window, center: flagOf(fields, 'center') };
}

const WINDOWS: Readonly<Record<string, (angle: number) => number>> = {
  hann: (angle) => 0.5 - 0.5 * Math.cos(angle),
  hamming: (angle) => 0.54 - 0.46 * Math.cos(angle),
  blackman: (angle) => 0.42 - 0.5 * Math.cos(angle) + 0.08 * Math.cos(2 * angle),
  none: () => 1,
};

/** The signals a front end works on: [N, S] of floats. */
export function requireSignals(context: LowerContext, input: Value): readonly [number, number] {
  requireFloat(context, input);
  const [n, samples] = input.type.shape;
  if (input.type.shape.length !== 2 || n === undefined || samples === undefined) {
    return context.mismatch('shape', 'it works on signals of shape [N, samples]');
  }
  return [n, samples];
}

/** [N, S] → [N, frames, size], each `hop` samples after the one before; what is left over at the end is dropped. */
export function framed(context: LowerContext, input: Value, size: number, hop: number): Value {
  const { b } = context;
  const [n = 1, samples = 0] = input.type.shape;
  if (samples < size) {
    context.mismatch('shape', `a frame of ${size} samples does not fit into ${samples}`);
  }
  const frames = 1 + Math.floor((samples - size) / hop);
  if (size % hop === 0) {
    // Frames that overlap by whole hops are shifted rows of hops.
    const parts = size / hop;
    const rows = b.op('slice', [input], { starts: [0, 0], limits: [n, (frames + parts - 1) * hop], strides: [1, 1] });
    const hops = b.op('reshape', [rows], { shape: [n, frames + parts - 1, hop] });
    const shifted = tableOf(parts, (i) =>
      b.op('slice', [hops], { starts: [0, i, 0], limits: [n, i + frames, hop], strides: [1, 1, 1] }),
    );
    return parts === 1 ? shifted[0]! : b.op('concat', shifted, { axis: 2 });
  }
  const indices = tableOf(frames * size, (i) => Math.floor(i / size) * hop + (i % size));
  return b.op('gather', [input, b.constant(indices, [frames, size], 'i32')], { axis: 1, batch_dims: 0 });
}

/** The frames of a Fourier front end, mirrored at the ends where they stand around their moments. */
export function centredFrames(context: LowerContext, input: Value, { size, hop, center }: Framing): Value {
  const half = Math.floor(size / 2);
  return framed(context, center ? bordered(context, input, 1, [half, half], 'reflect') : input, size, hop);
}
