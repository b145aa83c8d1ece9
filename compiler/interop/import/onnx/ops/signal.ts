/** Numbers that signal processing starts from: windows, and the filters of the mel scale, once their sizes are known. */
import { ELEM } from '../../../formats/onnx/types';
import { refuse, type Handler, type Handlers, type Node } from '../node';

/** No window comes near. */
const LONGEST = 2 ** 24;

function lengthOf(node: Node, index: number, what: string): number {
  const length = node.numbers(index, what)?.[0] ?? refuse(`lacks its ${what}`);
  return length >= 1 && length <= LONGEST ? length : refuse(`has the ${what} ${length}`);
}

/** A sum of cosines of whole turns, by its coefficients. */
const cosines =
  (coefficients: readonly number[]): Handler =>
  (node) => {
    const size = lengthOf(node, 0, 'size');
    const period = node.flag('periodic', true) ? size : Math.max(1, size - 1);
    const window = Float64Array.from({ length: size }, (_, i) =>
      coefficients.reduce((sum, a, turns) => sum + a * Math.cos((2 * Math.PI * turns * i) / period), 0),
    );
    return node.e.known(window, [size], node.int('output_datatype', ELEM.float));
  };

const hertz = (mel: number): number => 700 * (10 ** (mel / 2595) - 1);
const mel = (frequency: number): number => 2595 * Math.log10(1 + frequency / 700);

/** Triangles over the bins of a spectrum, [bins, filters]. */
const melWeights: Handler = (node) => {
  const filters = lengthOf(node, 0, 'num_mel_bins');
  const length = lengthOf(node, 1, 'dft_length');
  const rate = lengthOf(node, 2, 'sample_rate');
  const [low, high] = [3, 4].map((i) => mel(node.numbers(i, 'edges')?.[0] ?? refuse('lacks an edge'))) as [
    number,
    number,
  ];
  const bins = Math.floor(length / 2) + 1;
  if (!(bins * filters <= LONGEST)) refuse('makes a matrix too large');
  const step = (high - low) / (filters + 2);
  const edges = Array.from({ length: filters + 2 }, (_, i) =>
    Math.floor(((length + 1) * hertz(low + i * step)) / rate),
  );
  const weights = new Float32Array(bins * filters);
  const set = (bin: number, filter: number, value: number): void => {
    if (bin >= 0 && bin < bins) weights[bin * filters + filter] = value;
  };
  for (let filter = 0; filter < filters; filter++) {
    const [from, centre, to] = edges.slice(filter, filter + 3) as [number, number, number];
    if (from === centre) set(centre, filter, 1);
    for (let bin = Math.max(0, from); bin <= Math.min(bins, centre) && from < centre; bin++)
      set(bin, filter, (bin - from) / (centre - from));
    for (let bin = Math.max(0, centre); bin < Math.min(bins, to); bin++) set(bin, filter, (to - bin) / (to - centre));
  }
  return node.e.known(weights, [bins, filters], node.int('output_datatype', ELEM.float));
};

export const SIGNALS: Handlers = {
  HannWindow: cosines([0.5, -0.5]),
  HammingWindow: cosines([25 / 46, -21 / 46]),
  BlackmanWindow: cosines([0.42, -0.5, 0.08]),
  MelWeightMatrix: melWeights,
};
