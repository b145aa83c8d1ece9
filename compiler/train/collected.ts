/**
 * What metrics keep of every batch until an evaluation ends: tensors of a program's results `collected/<metric>/<name>`,
 * joined along axis 0 in the order of the samples. How much that will be follows from the programs alone, so that a data
 * set that is too large is refused before the first batch.
 */
import { invalidField } from '../diagnostics/catalogue';
import { InternalError, SpecError } from '../diagnostics/errors';
import type { Spec } from '../frontend/spec';
import { elementCount } from '../ir/types';
import { MOST_COLLECTED, type Collected as Tensor } from '../metrics/define';
import type { NativeSession, ProgramPorts } from '../native/runtime';
import { batchSizes } from './batching';
import { programName } from './programs';
import { formatBytes } from './report/html';

const PREFIX = 'collected/';
const BYTES = 4;

interface Growing {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
  filled: number;
}

/** Rows of each collected tensor over all batches, and the extents behind. */
function shapesOf(
  programs: readonly { readonly ports: Pick<ProgramPorts, 'outputs'>; readonly runs: number }[],
): ReadonlyMap<string, { readonly shape: readonly number[]; readonly dtype: string }> {
  const shapes = new Map<string, { readonly shape: readonly number[]; readonly dtype: string }>();
  for (const { ports, runs } of programs) {
    for (const { name, shape, dtype } of ports.outputs) {
      if (!name.startsWith(PREFIX)) continue;
      const rows = (shapes.get(name)?.shape[0] ?? 0) + runs * (shape[0] ?? 1);
      shapes.set(name, { shape: [rows, ...shape.slice(1)], dtype });
    }
  }
  return shapes;
}

export class Collected {
  readonly #tensors = new Map<string, Growing>();

  /** Makes room for an evaluation of `samples`; throws a SpecError where that is more than there may be. */
  constructor(spec: Spec, session: Pick<NativeSession, 'program'>, samples: number, batchSize: number) {
    const shapes = collectedShapes(spec, session, samples, batchSize);
    for (const [name, { shape, dtype }] of shapes) {
      const count = elementCount(shape);
      const data = dtype === 'i32' ? new Int32Array(count) : new Float32Array(count);
      this.#tensors.set(name, { shape, data, filled: 0 });
    }
  }

  /** Takes the results of the next batch. */
  add(outputs: Readonly<Record<string, ArrayLike<number>>>): void {
    for (const [name, tensor] of this.#tensors) {
      const values = outputs[name];
      if (!values) throw new InternalError(`a batch lacks '${name}'`);
      tensor.data.set(values, tensor.filled);
      tensor.filled += values.length;
    }
  }

  /** What a metric kept, by name. */
  of(metric: string): Readonly<Record<string, Tensor>> {
    const prefix = `${PREFIX}${metric}/`;
    const own = [...this.#tensors].filter(([name]) => name.startsWith(prefix));
    return Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  }
}

/** Shapes of all that an evaluation keeps; throws a SpecError where that is more than there may be. */
export function collectedShapes(
  spec: Spec,
  session: Pick<NativeSession, 'program'>,
  samples: number,
  batchSize: number,
): ReturnType<typeof shapesOf> {
  const programs = batchSizes(samples, batchSize).map((size) => ({
    ports: session.program(programName('eval', size)),
    runs: size === batchSize ? Math.floor(samples / batchSize) : 1,
  }));
  const shapes = shapesOf(programs);
  const bytesOf = (name: string): number =>
    [...shapes].reduce(
      (sum, [key, { shape }]) => (key.startsWith(`${PREFIX}${name}/`) ? sum + BYTES * elementCount(shape) : sum),
      0,
    );
  const total = spec.metrics.reduce((sum, { name }) => sum + bytesOf(name), 0);
  if (total <= MOST_COLLECTED) return shapes;
  const most = spec.metrics.reduce((a, b) => (bytesOf(b.name) > bytesOf(a.name) ? b : a));
  const problem = `\`${most.name}\` would keep ${formatBytes(bytesOf(most.name))} of ${samples.toLocaleString('en-US')} samples until the evaluation ends; all metrics together may keep ${formatBytes(MOST_COLLECTED)}`;
  throw new SpecError([
    invalidField(most.at([]), problem, 'evaluate fewer samples (`limit` of the data), or a metric that adds up'),
  ]);
}
