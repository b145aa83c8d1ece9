/**
 * Shapes with the batch as a symbol. The model is lowered at two batch sizes; an extent that differs between the two is
 * a multiple of the batch, or of what is left of it.
 */
import { batchOf } from '../check';
import { SpecError } from '../diagnostics/errors';
import type { Spec } from '../frontend/spec';
import type { TensorType } from '../ir/types';
import { lowerModel, type Lowered } from '../lower/lower';
import { batchSymbol } from '../lower/symbols';

export interface Shapes {
  readonly lowered: Lowered;
  /** `[N, 64, 56, 56]`, with the dtype where it is not float32; empty for what was not lowered. */
  readonly shapeOf: (reference: string) => string;
}

const NAMES: Readonly<Partial<Record<TensorType['dtype'], string>>> = {
  f64: 'float64',
  bf16: 'bfloat16',
  u8: 'uint8',
  i32: 'int32',
  i64: 'int64',
  bool: 'bool',
};

export function shapesOf(spec: Spec): Shapes {
  const batch = batchOf(spec);
  const lowered = lowerModel(spec, { batch, mode: 'predict', everyLayer: true });
  const symbol = batchSymbol(spec);
  const twice = symbol === undefined ? undefined : atTwice(spec, 2 * batch);
  return {
    lowered,
    shapeOf(reference) {
      const type = lowered.values.get(reference)?.type;
      if (type === undefined) return '';
      const other = twice?.values.get(reference)?.type.shape;
      const extents = type.shape.map((extent, axis) => inTermsOf(symbol ?? '', batch, extent, other?.[axis] ?? extent));
      const dtype = NAMES[type.dtype];
      return `[${extents.join(', ')}]${dtype === undefined ? '' : ` ${dtype}`}`;
    },
  };
}

/** Undefined where the model cannot be computed for as many samples. */
function atTwice(spec: Spec, batch: number): Lowered | undefined {
  try {
    return lowerModel(spec, { batch, mode: 'predict', everyLayer: true });
  } catch (error) {
    if (error instanceof SpecError) return undefined;
    throw error;
  }
}

/** An extent that is `at` for a batch and `atTwice` for two of them. */
function inTermsOf(symbol: string, batch: number, at: number, twice: number): string {
  if (twice === at) return String(at);
  const slope = (twice - at) / batch;
  const rest = 2 * at - twice;
  if (Number.isInteger(slope))
    return `${slope === 1 ? '' : slope}${symbol}${rest === 0 ? '' : rest > 0 ? `+${rest}` : rest}`;
  return rest === 0 && Number.isInteger(1 / slope) ? `${symbol}/${1 / slope}` : String(at);
}
