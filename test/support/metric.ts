/**
 * A metric over a whole data set, in batches of any size, as an evaluation does it; run in the reference interpreter
 * unless something else is to compute it.
 */
import { loadSpecText } from '../../compiler/frontend/load';
import { DTYPE_WORDS } from '../../compiler/frontend/language';
import type { Fields } from '../../compiler/frontend/spec';
import type { Graph } from '../../compiler/ir/graph';
import { elementCount } from '../../compiler/ir/types';
import { lowerModel } from '../../compiler/lower/lower';
import type { RefTensor } from '../../compiler/ops/define';
import { interpret } from '../../compiler/reference/interpret';
import { batchSizes } from '../../compiler/train/batching';
import { Collected } from '../../compiler/train/collected';
import { Accumulators, type Evaluation } from '../../compiler/train/figures';
import { programName } from '../../compiler/train/programs';

export interface DataTensor {
  /** The samples in front. */
  readonly shape: readonly number[];
  readonly dtype?: string;
  readonly values: readonly number[];
}

export interface MetricCase {
  readonly type: string;
  readonly fields?: Fields;
  readonly inputs: readonly DataTensor[];
}

/** The results of a program, by name. */
export type Computed = Readonly<Record<string, Float64Array>>;

export function inReference(graph: Graph, feeds: Readonly<Record<string, RefTensor>>): Computed {
  const { results } = interpret(graph, feeds);
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data]));
}

/** The metric is called `m`. */
export function evaluateMetric(
  { type, fields = {}, inputs }: MetricCase,
  batch: number,
  classNames?: readonly string[],
  compute = inReference,
): Evaluation {
  const names = inputs.map((_, i) => `in${i}`);
  const declared = inputs.map(({ shape, dtype = 'float32' }, i) => [
    `in${i}`,
    { shape: ['N', ...shape.slice(1)], dtype },
  ]);
  const text = JSON.stringify({
    inputs: Object.fromEntries(declared) as Fields,
    layers: [{ name: 'none', type: 'identity', inputs: 'in0' }],
    metrics: [{ name: 'm', type, inputs: names, ...fields }],
  });
  const spec = loadSpecText(text, 'metric.json');
  const samples = inputs[0]?.shape[0] ?? 0;
  const graphs = new Map<string, Graph>();
  for (const size of batchSizes(samples, batch)) {
    graphs.set(programName('eval', size), lowerModel(spec, { batch: size, mode: 'eval' }).graph);
  }
  const session = {
    program: (name: string) => ({
      name,
      inputs: [],
      outputs: graphs.get(name)!.results.map((result) => ({ name: result.name, ...result.value.type })),
    }),
  };
  const collected = new Collected(spec, session, samples, batch);
  const sums = new Accumulators();
  for (let first = 0; first < samples; first += batch) {
    const count = Math.min(batch, samples - first);
    const feeds = inputs.map(({ shape, values, dtype = 'float32' }, i) => {
      const size = elementCount(shape.slice(1));
      const data = Float64Array.from(
        values.slice(first * size, (first + count) * size),
        dtype === 'float32' ? Math.fround : Number,
      );
      return [
        `in${i}`,
        { type: { dtype: DTYPE_WORDS[dtype] ?? 'f32', shape: [count, ...shape.slice(1)] }, data },
      ] as const;
    });
    const outputs = compute(graphs.get(programName('eval', count))!, Object.fromEntries(feeds));
    sums.add(outputs, 0, 1);
    collected.add(outputs);
  }
  return sums.evaluation(spec, collected, () => classNames);
}
