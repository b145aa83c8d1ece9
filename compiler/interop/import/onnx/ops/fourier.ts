/** Discrete Fourier transforms as products with cosines and sines: a dense layer, or a convolution over frames. */
import { ELEM } from '../../../formats/onnx/types';
import { fixed } from '../emitter';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import type { Value } from '../value';
import { product } from './dense';

/** A matrix above this is no transform to be written out. */
const MOST = 2 ** 24;

/** What each part of each place adds to each part of each bin. */
interface Transform {
  /** Places that come, and parts of each: 1 of real numbers, 2 of complex ones. */
  readonly places: number;
  readonly parts: number;
  /** Bins that are made, and parts of each. */
  readonly bins: number;
  readonly gives: number;
  /** Numbers of one turn. */
  readonly turn: number;
  readonly inverse: boolean;
  /** How often a place counts: the half of a spectrum that is left out does in the other. */
  readonly weight: (place: number) => number;
}

function matrixOf({ places, parts, bins, gives, turn, inverse, weight }: Transform): Float32Array {
  if (!(places * parts * bins * gives <= MOST)) refuse(`transforms ${places} numbers, which are too many`);
  const matrix = new Float32Array(places * parts * bins * gives);
  const sign = inverse ? 1 : -1;
  let at = 0;
  for (let place = 0; place < places; place++) {
    for (let part = 0; part < parts; part++) {
      for (let bin = 0; bin < bins; bin++) {
        const angle = (2 * Math.PI * ((place * bin) % turn)) / turn;
        const [real, imaginary] = [Math.cos(angle) * weight(place), sign * Math.sin(angle) * weight(place)];
        matrix[at++] = part === 0 ? real : -imaginary;
        if (gives === 2) matrix[at++] = part === 0 ? imaginary : real;
      }
    }
  }
  return matrix;
}

const dft: Handler = (node) => {
  const { e } = node;
  const x = e.float(node.in(0));
  const rank = x.shape.length;
  const written = node.opset < 20 ? node.int('axis', 1) : (node.numbers(2, 'axis')?.[0] ?? -2);
  const axis = node.axis(written, rank);
  const parts = x.shape[rank - 1]!;
  if (axis === rank - 1 || (parts !== 1 && parts !== 2)) refuse(`transforms the axis ${axis} of [${e.show(x.shape)}]`);
  const [inverse, onesided] = [node.flag('inverse'), node.flag('onesided')];
  const half = inverse && onesided;
  const [extent] = fixed([x.shape[axis]!]) as [number];
  const turn = node.numbers(1, 'dft_length')?.[0] ?? (half ? 2 * (extent - 1) : extent);
  if (!(turn >= 1)) refuse(`has the length ${turn}`);
  const needed = half ? Math.floor(turn / 2) + 1 : turn;
  const places = Math.min(extent, needed);
  const twice = (place: number): number => (half && place > 0 && 2 * place !== turn ? 2 : 1);
  const [bins, gives] = [onesided && !inverse ? Math.floor(turn / 2) + 1 : turn, half ? 1 : 2];
  const weight = (place: number): number => (inverse ? twice(place) / turn : 1);
  const matrix = matrixOf({ places, parts, bins, gives, turn, inverse, weight });
  // The axis beside the parts, so that both are one.
  const order = [...x.shape.keys()].filter((one) => one !== axis && one !== rank - 1);
  const moved = e.permute(e.slice(x, axis, 0, places), [...order, axis, rank - 1]);
  const lead = moved.shape.slice(0, -2);
  const known: Value = { elem: ELEM.float, dtype: 'f32', shape: [places * parts, bins * gives], known: matrix };
  const made = product(e, e.reshape(moved, [...lead, places * parts]), known);
  const back = [...x.shape.keys()].map((one) =>
    one === axis ? rank - 2 : one === rank - 1 ? one : order.indexOf(one),
  );
  return { ...e.permute(e.reshape(made, [...lead, bins, gives]), back), elem: node.in(0).elem };
};

/** Frames of a signal, each under a window and transformed: a convolution whose filters are windowed waves. */
const stft: Handler = (node) => {
  const { e } = node;
  const signal = e.float(node.in(0));
  const wide = signal.shape.length === 2 ? e.reshape(signal, [...signal.shape, 1]) : signal;
  const [samples, length, parts] = wide.shape as [number, number, number];
  fixed([length]);
  const step = numberOf(node, 1, 'frame_step') ?? refuse('lacks its frame_step');
  const window = node.numbers(2, 'window');
  const size = numberOf(node, 3, 'frame_length') ?? window?.length ?? refuse('has neither a window nor a frame_length');
  if (window !== undefined && window.length !== size) refuse(`has a window of ${window.length} for frames of ${size}`);
  if (!(step >= 1 && size >= 1 && size <= length)) refuse(`cuts ${length} samples into frames of ${size}`);
  if (parts !== 1 && parts !== 2) refuse(`takes a signal of [${e.show(signal.shape)}]`);
  const bins = node.flag('onesided', true) ? Math.floor(size / 2) + 1 : size;
  const frames = Math.floor((length - size) / step) + 1;
  const waves = matrixOf({
    places: size,
    parts,
    bins,
    gives: 2,
    turn: size,
    inverse: false,
    weight: (place) => window?.[place] ?? 1,
  });
  const known: Value = { elem: ELEM.float, dtype: 'f32', shape: [size, parts, 2 * bins], known: waves };
  const weight = e.permute(known, [2, 1, 0]);
  const fields = { filters: 2 * bins, kernel: size, ...(step === 1 ? {} : { stride: step }), bias: false };
  const shape = [samples, 2 * bins, frames];
  const made = e.weighted('conv1d', [e.permute(wide, [0, 2, 1])], fields, { shape, elem: ELEM.float }, { weight });
  const spectrum = e.reshape(e.permute(made, [0, 2, 1]), [samples, frames, bins, 2]);
  return { ...spectrum, elem: node.in(0).elem };
};

function numberOf(node: Node, index: number, what: string): number | undefined {
  return node.numbers(index, what)?.[0];
}

export const FOURIER: Handlers = { DFT: dft, STFT: stft };
