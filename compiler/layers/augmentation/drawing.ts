/** What all augmentations share: images as input, the probability of each, draws for each sample from its own streams. */
import type { FieldSchema } from '../../frontend/describe';
import type { Fields, Json } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import { Arithmetic } from '../../ops/families/arithmetic';
import type { LowerContext } from '../define';
import { isNumbers, numberOf } from '../fields';
import { uniformOf } from '../random/drawing';
import { requireFloat } from '../window';

/** Stands at the end of `details`. */
export const TRAINING_NOTE =
  'Draws anew for each sample and training step, by the seed; passes everything on in evaluation and prediction.';

export const probabilityField = (byDefault: number): FieldSchema => ({
  description: 'The probability that a sample is changed at all.',
  type: 'number',
  minimum: 0,
  maximum: 1,
  default: byDefault,
});

/** A range to draw from, or how far to go from the middle of one. */
export function rangeField(description: string, limits: Readonly<Record<string, Json>>, byDefault?: Json): FieldSchema {
  const one = { type: 'number', ...limits } as const;
  return {
    description,
    anyOf: [
      { type: 'number', minimum: 0, ...(limits['maximum'] === undefined ? {} : { maximum: limits['maximum'] }) },
      { type: 'array', items: one, minItems: 2, maxItems: 2 },
    ],
    ...(byDefault === undefined ? {} : { default: byDefault }),
  };
}

/** `[low, high]` as it is written; a number r is [middle − r, middle + r], not below `least`. */
export function rangeOf(context: LowerContext, name: string, middle = 0, least = -Infinity): readonly [number, number] {
  const value = context.fields[name];
  if (!isNumbers(value)) {
    const reach = numberOf(context.fields, name);
    return [Math.max(least, middle - reach), middle + reach];
  }
  const [low = 0, high = 0] = value;
  if (low > high) context.fail([name], `nothing lies between ${low} and ${high}`);
  return [low, high];
}

export const pairOfNumbers = (
  description: string,
  limits: Readonly<Record<string, Json>>,
  byDefault: Json,
): FieldSchema => ({
  description,
  type: 'array',
  items: { type: 'number', ...limits },
  minItems: 2,
  maxItems: 2,
  default: byDefault,
});

export interface Images {
  readonly x: Value;
  readonly n: number;
  readonly c: number;
  readonly h: number;
  readonly w: number;
}

export function imagesOf(context: LowerContext, x: Value): Images {
  requireFloat(context, x);
  const [n, c, h, w] = x.type.shape;
  if (x.type.shape.length !== 4 || n === undefined || c === undefined || h === undefined || w === undefined) {
    return context.mismatch('shape', 'it works on images of shape [N, C, H, W]');
  }
  return { x, n, c, h, w };
}

/** Arithmetic of graph values that can draw. All draws have the shape [N, 1, …] of so many axes. */
export class Drawing extends Arithmetic {
  constructor(
    readonly context: LowerContext,
    readonly samples: number,
    readonly rank = 4,
  ) {
    super(context.b, 'f32');
  }

  shape(second = 1): readonly number[] {
    return [this.samples, second, 1, 1].slice(0, this.rank);
  }
  /** From [0, 1), `count` of them side by side. */
  uniform(purpose: string, count = 1): Value {
    return uniformOf(this.context, this.shape(count), purpose);
  }
  between(purpose: string, [low, high]: readonly [number, number], count = 1): Value {
    return this.add(this.mul(this.uniform(purpose, count), high - low), low);
  }
  /** A whole number from 0 to `count` − 1. */
  below(purpose: string, count: Value | number, draws = 1): Value {
    const at = this.op('floor', this.mul(this.uniform(purpose, draws), count));
    // A product can be rounded up to the count itself.
    return this.minimum(at, typeof count === 'number' ? count - 1 : this.sub(count, 1));
  }
  /** True with the probability that the field says. */
  hit(fields: Fields, purpose = 'hit', field = 'probability'): Value {
    // Rounded to float32, so that every arithmetic draws the line between the same two numbers.
    return this.op('less', this.uniform(purpose), Math.fround(numberOf(fields, field)));
  }
  /** −1 or 1. */
  side(purpose: string): Value {
    return this.where(this.op('less', this.uniform(purpose), 0.5), -1, 1);
  }
}
