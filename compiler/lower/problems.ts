/**
 * From a failed lowering to located diagnostics. A layer, loss or metric gives up by throwing GivenUp; whoever lowers
 * it catches that, reports, and goes on, so that all problems of a model come together.
 */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { Location, Origin } from '../diagnostics/location';
import { through } from '../diagnostics/make';
import { ExpressionError } from '../expression/syntax';
import type { Locate } from '../frontend/spec';
import { InferenceError } from '../ir/builder';
import type { Value } from '../ir/graph';
import type { DType, Shape } from '../ir/types';
import { elementCount } from '../ir/types';
import { OpTypeError } from '../ops/define';

/** Ends the lowering of one item; never leaves this folder. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
  constructor(readonly diagnostic: Diagnostic) {
    super(diagnostic.message);
  }
}

/** What a diagnostic has to know about the layer, loss or metric at fault. */
export interface Item {
  readonly type: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly origin: Origin;
  readonly at: Locate;
}

/** Largest tensor that 32-bit indices can address. */
const LARGEST = 2 ** 31 - 1;
/** Largest parameter, and largest input without its batch axis: what is more is a slip of the pen. */
export const LARGEST_SINGLE = 2 ** 29;

const DTYPE_WORDS: Readonly<Record<DType, string>> = {
  f32: 'float32',
  f64: 'float64',
  bf16: 'bfloat16',
  u8: 'uint8',
  i32: 'int32',
  i64: 'int64',
  bool: 'bool',
};

/** A dtype as a user writes it. */
export function wordOfDtype(dtype: DType): string {
  return DTYPE_WORDS[dtype];
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Reports that the inputs do not suit an item, naming each input and where it is made. */
export function mismatch(
  what: 'shape' | 'dtype',
  item: Item,
  inputs: readonly Value[],
  placeOf: (reference: string) => Location | undefined,
  message: string,
  hint?: string,
): Diagnostic {
  const sides = inputs.map(({ type }, i): say.Side => {
    const name = item.inputs[i] ?? `input ${i + 1}`;
    const shown = what === 'dtype' ? wordOfDtype(type.dtype) : formatShape(type.shape);
    return { name, type: shown, at: placeOf(name) };
  });
  const problem = `\`${item.name}\` (${item.type}): ${message}`;
  const diagnostic = (what === 'dtype' ? say.dtypeMismatch : say.shapeMismatch)(item.at([]), problem, sides, hint);
  return through(diagnostic, item.origin.via);
}

export function invalidField(
  item: Item,
  path: readonly (string | number)[],
  message: string,
  hint?: string,
): Diagnostic {
  const problem = `\`${item.name}\` (${item.type}): ${message}`;
  return through(say.invalidField(item.at(path), problem, hint), item.origin.via);
}

/** The diagnostic of what was thrown while an item was lowered; what is not about the item is thrown on. */
export function diagnosticOf(
  error: unknown,
  item: Item,
  inputs: readonly Value[],
  placeOf: (reference: string) => Location | undefined,
): Diagnostic {
  if (error instanceof GivenUp) return error.diagnostic;
  if (error instanceof ExpressionError) {
    const problem = `in \`${item.name}\`: ${error.message}`;
    return through(say.badExpression(item.at(['expr'], error), problem), item.origin.via);
  }
  if (error instanceof InferenceError) return mismatch('shape', item, inputs, placeOf, error.reason);
  if (error instanceof OpTypeError) return mismatch('shape', item, inputs, placeOf, error.message);
  throw error;
}

/** Refuses tensors that are too large to address, before anything is allocated for them. */
export function requireAddressable(
  item: Pick<Item, 'at' | 'origin'>,
  what: string,
  shape: Shape,
  limit: number = LARGEST,
): void {
  const elements = elementCount(shape);
  if (elements > limit) {
    const diagnostic = say.tooLarge(item.at([]), what, formatShape(shape), elements, limit);
    throw new GivenUp(through(diagnostic, item.origin.via));
  }
}
