/** Gives the symbolic dimensions of the model inputs their values for one graph. */
import * as say from '../diagnostics/catalogue';
import type { Collector } from '../diagnostics/collector';
import type { InputSpec, Spec } from '../frontend/spec';
import type { Shape } from '../ir/types';

/** The symbol that stands for the batch: the first one that any input has on axis 0. */
export function batchSymbol(spec: Spec): string | undefined {
  const first = spec.inputs.map((input) => input.shape[0]).find((extent) => typeof extent === 'string');
  return typeof first === 'string' ? first : undefined;
}

export function bindSymbols(spec: Spec, batch: number): Readonly<Record<string, number>> {
  const symbol = batchSymbol(spec);
  return symbol === undefined ? {} : { [symbol]: batch };
}

/** The input's shape with numbers for symbols; undefined where one has no value, which is reported. */
export function resolveShape(
  input: InputSpec,
  symbols: Readonly<Record<string, number>>,
  problems: Collector,
): Shape | undefined {
  const resolved = input.shape.map((extent) => (typeof extent === 'string' ? symbols[extent] : extent));
  const bad = resolved.indexOf(undefined);
  if (bad < 0) return resolved as Shape;
  problems.report(say.unboundSymbol(input.origin.at, String(input.shape[bad]), Object.keys(symbols)[0]));
  return undefined;
}
