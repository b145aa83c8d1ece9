/**
 * Before the first step: `standardize` layers with `adapt` get the mean and the variance of the training data, over one
 * pass through it, in float64. Sums are taken around the first value of each position, so that a large mean costs no
 * digits. Weights that the training starts from come after this and count instead.
 */
import { invalidField } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import { allLayers, type LayerSpec, type Spec } from '../frontend/spec';
import { elementCount, type Shape } from '../ir/types';
import type { NativeSession } from '../native/runtime';
import { typedArray } from '../data/typed_array';
import type { Feed } from './feed';

/** Elements that are read at a time. */
const CHUNK = 1 << 22;

export async function adaptLayers(
  spec: Spec,
  session: NativeSession,
  feed: Feed,
  onProgress: (progress: { readonly what: string; readonly done: number; readonly total: number }) => void,
): Promise<void> {
  const layers = allLayers(spec.layers).filter(
    ({ type, fields }) => type === 'standardize' && fields['adapt'] === true,
  );
  if (layers.length === 0) return;
  const fields = new Map(feed.dataset.fields.map((field) => [field.input, field]));
  const gatherers = layers.map((layer) => {
    const field = fields.get(layer.inputs[0] ?? '');
    if (field) return { layer, field, gather: new Gatherer(layer, field.shape) };
    const hint = 'without `adapt` it gathers them while it trains';
    throw new SpecError([
      invalidField(
        layer.at(['adapt']),
        `\`${layer.name}\` can adapt to an input of the model only, not to a layer`,
        hint,
      ),
    ]);
  });
  const total = feed.samples;
  const size = [...fields.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const step = Math.max(1, Math.floor(CHUNK / Math.max(1, size)));
  for (let first = 0; first < total; first += step) {
    const count = Math.min(step, total - first);
    const into = Object.fromEntries(
      [...fields.values()].map(({ input, dtype, shape }) => [input, typedArray(dtype, count * elementCount(shape))]),
    );
    const indices = Uint32Array.from({ length: count }, (_, i) => first + i);
    await feed.dataset.read(indices, { seed: feed.seed, epoch: 0 }, into);
    for (const { field, gather } of gatherers) gather.add(into[field.input]!, count);
    onProgress({ what: 'adapting to the data', done: first + count, total });
  }
  for (const { layer, gather } of gatherers) {
    const { mean, variance, count } = gather.result();
    session.writeState(`${layer.name}.mean`, mean);
    session.writeState(`${layer.name}.variance`, variance);
    session.writeState(`${layer.name}.count`, Float32Array.of(count));
  }
}

/** Mean and variance for each position on the layer's axis. */
class Gatherer {
  readonly #positions: number;
  readonly #inner: number;
  readonly #size: number;
  readonly #around: Float64Array;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  #count = 0;

  constructor(layer: LayerSpec, sample: Shape) {
    const axis = (layer.fields['axis'] as number | undefined) ?? 1;
    // Axes of the batch; the sample has one less.
    const own = (axis < 0 ? axis + sample.length + 1 : axis) - 1;
    this.#positions = sample[own] ?? 1;
    this.#inner = elementCount(sample.slice(own + 1));
    this.#size = elementCount(sample);
    [this.#around, this.#sums, this.#squares] = [0, 0, 0].map(() => new Float64Array(this.#positions)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
  }

  add(values: ArrayLike<number | bigint>, samples: number): void {
    const period = this.#positions * this.#inner;
    if (this.#count === 0) for (let p = 0; p < this.#positions; p++) this.#around[p] = Number(values[p * this.#inner]);
    for (let i = 0; i < samples * this.#size; i++) {
      const position = Math.floor((i % period) / this.#inner);
      const value = Number(values[i]) - this.#around[position]!;
      this.#sums[position]! += value;
      this.#squares[position]! += value * value;
    }
    this.#count += (samples * this.#size) / this.#positions;
  }

  result(): { readonly mean: Float32Array; readonly variance: Float32Array; readonly count: number } {
    const n = this.#count;
    const means = this.#sums.map((sum) => sum / n);
    return {
      mean: Float32Array.from(means, (mean, p) => mean + this.#around[p]!),
      variance: Float32Array.from(this.#squares, (square, p) => Math.max(0, square / n - means[p]! ** 2)),
      count: n,
    };
  }
}
