/** Features of texts whose words are numbers: how often each of a list of n-grams is there. */
import { ELEM } from '../../../formats/onnx/types';
import type { Emitter } from '../emitter';
import { refuse, type Handler, type Handlers } from '../node';
import type { Value } from '../value';

/** The n-grams of one length, and the feature that each counts for. */
interface Grams {
  readonly length: number;
  readonly words: readonly number[];
  readonly features: readonly number[];
}

/** Words are compared in all places with all n-grams. */
const MOST_PAIRS = 2 ** 24;

function gramsOf(pool: readonly number[], starts: readonly number[], features: readonly number[]): Grams[] {
  let place = 0;
  return starts.map((start, i) => {
    const words = pool.slice(start, starts[i + 1] ?? pool.length);
    const length = i + 1;
    if (words.length % length !== 0) refuse('has a pool that its counts do not divide');
    const own = features.slice(place, place + words.length / length);
    place += words.length / length;
    return { length, words, features: own };
  });
}

/** [N, n-grams]: how often each is there, its words so far apart. */
function counted(e: Emitter, x: Value, { length, words }: Grams, apart: number): Value | undefined {
  const [samples, extent] = x.shape as [number, number];
  const number = words.length / length;
  const places = extent - (length - 1) * apart;
  if (places < 1 || number === 0) return undefined;
  if (places * number > MOST_PAIRS) refuse('compares too many words');
  const tests = Array.from({ length }, (_, k) => {
    const own = e.reshape(e.slice(x, 1, k * apart, places), [samples, places, 1]);
    const wanted = Array.from({ length: number }, (_, gram) => words[gram * length + k]!);
    const list = { ...e.known(wanted, [1, 1, number], x.elem), dtype: x.dtype };
    return e.merge('equal', [own, list], { elem: ELEM.bool });
  });
  const all = tests.reduce((a, b) => e.merge('logical_and', [a, b], { elem: ELEM.bool }));
  return e.reduce('reduce_sum', e.cast(all, ELEM.float), [1], false);
}

const tfIdf: Handler = (node) => {
  const { e } = node;
  const given = e.index(node.in(0));
  const x = given.shape.length === 1 ? e.reshape(given, [1, ...given.shape]) : given;
  const pool = node.ints('pool_int64s') ?? refuse('counts words, which there is no type for');
  const features = node.ints('ngram_indexes') ?? refuse('lacks its ngram_indexes');
  const [least, most] = [node.int('min_gram_length', 1), node.int('max_gram_length', 1)];
  const skips = node.int('max_skip_count', 0);
  const size = Math.max(...features) + 1;
  if (!(size >= 1 && size <= MOST_PAIRS && skips <= x.shape[1]!)) refuse('has features or skips that do not fit');
  const grams = gramsOf(pool, node.ints('ngram_counts') ?? refuse('lacks its ngram_counts'), features);
  const parts = grams
    .filter(({ length }) => length >= least && length <= most)
    .flatMap((own) => {
      // Single words are next to nothing.
      const distances = own.length === 1 ? [1] : Array.from({ length: skips + 1 }, (_, skip) => skip + 1);
      const sums = distances.flatMap((apart) => counted(e, x, own, apart) ?? []);
      if (sums.length === 0) return [];
      const sum = sums.length === 1 ? sums[0]! : e.merge('add', sums);
      const target = e.known([...own.features], [own.features.length], ELEM.int32);
      const shape = [x.shape[0]!, size];
      return [e.layer('scatter', [sum, target], { size, batch_dims: 0 }, { shape, elem: ELEM.float })];
    });
  if (parts.length === 0) refuse('counts nothing');
  const total = parts.length === 1 ? parts[0]! : e.merge('add', parts);
  const mode = node.text('mode', 'TF');
  const weights = new Float32Array(size).fill(1);
  node.floats('weights')?.forEach((weight, i) => (weights[features[i]!] = weight));
  const scale = e.known(weights, [1, size], ELEM.float);
  const found =
    mode === 'IDF'
      ? e.cast(e.layer('greater', [total], { value: 0 }, { shape: total.shape, elem: ELEM.bool }), ELEM.float)
      : total;
  const made = mode === 'TF' ? found : e.merge('mul', [found, scale]);
  return e.reshape({ ...made, elem: ELEM.float }, given.shape.length === 1 ? [size] : made.shape);
};

export const TEXTS: Handlers = { TfIdfVectorizer: tfIdf };
