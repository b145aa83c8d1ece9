/** A metric of a single batch, from the results of a program: for examples and for tests. */
import type { TermSpec } from '../frontend/spec';
import { withDefaults } from '../lower/defaults';
import type { RefTensor } from '../ops/define';
import type { MetricResult } from './define';
import { metricDef } from './lookup';

export function resultOfBatch(
  { name, type, fields }: Pick<TermSpec, 'name' | 'type' | 'fields'>,
  results: Readonly<Record<string, RefTensor>>,
): MetricResult {
  const def = metricDef(type);
  const complete = withDefaults(def, fields);
  const under = (prefix: string): readonly (readonly [string, RefTensor])[] =>
    Object.entries(results).flatMap(([key, tensor]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), tensor] as const] : [],
    );
  const result =
    def.collects === true
      ? def.finish(
          Object.fromEntries(
            under(`collected/${name}/`).map(([key, { type: of, data }]) => [
              key,
              { shape: of.shape, data: of.dtype === 'i32' ? Int32Array.from(data) : Float32Array.from(data) },
            ]),
          ),
          complete,
        )
      : def.finish(
          Object.fromEntries(under(`metrics/${name}/`).map(([key, { data }]) => [key, Float64Array.from(data)])),
          complete,
        );
  return typeof result === 'number' ? { value: result } : result;
}
