/** Rotary positions: pairs of features turned by angles that grow with the position (Su et al. 2021). */
import type { FieldSchema } from '../../frontend/describe';
import type { Fields } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import type { LowerContext } from '../define';
import { reshapeTo, sliceAlong } from '../shape/pieces';
import { tableOf } from '../table';

export interface Rotary {
  readonly base: number;
  readonly fraction: number;
  readonly pairs: string;
}

export const rotaryFields = {
  base: {
    description: 'Pair i turns by base^(−2i / features) at each position.',
    type: 'number',
    exclusiveMinimum: 1,
    default: 10_000,
  },
  fraction: {
    description: 'Share of the features that turn, the first ones; the others stay as they are.',
    type: 'number',
    exclusiveMinimum: 0,
    maximum: 1,
    default: 1,
  },
  pairs: {
    description:
      'Which features make a pair: `halves`, i and i + half (GPT-NeoX, Llama as it is kept by Hugging Face, Keras), or `neighbours`, 2i and 2i + 1 (the paper, GPT-J).',
    enum: ['halves', 'neighbours'],
    default: 'halves',
  },
} as const satisfies Readonly<Record<string, FieldSchema>>;

export function rotaryOf(fields: Fields): Rotary {
  const of = <T>(name: keyof typeof rotaryFields, byDefault: T): T => (fields[name] ?? byDefault) as T;
  return {
    base: of<number>('base', rotaryFields.base.default),
    fraction: of<number>('fraction', rotaryFields.fraction.default),
    pairs: of<string>('pairs', rotaryFields.pairs.default),
  };
}

/** How many of the features turn; an even number. */
function turning(context: LowerContext, features: number, { fraction }: Rotary, path: readonly string[]): number {
  const count = Math.floor(features * fraction + 1e-9);
  if (count < 2 || count % 2 !== 0) {
    context.fail(path, `${count} of ${features} features cannot be put in pairs`);
  }
  return count;
}

/** x with its last axis turned by the position on axis `axis`. */
export function rotate(context: LowerContext, x: Value, axis: number, rotary: Rotary, path: readonly string[]): Value {
  const { b } = context;
  const { shape } = x.type;
  const last = shape.length - 1;
  const features = shape[last] ?? 1;
  const length = shape[axis] ?? 1;
  const count = turning(context, features, rotary, path);
  const half = count / 2;
  const apart = rotary.pairs === 'halves';
  const table = (f: (angle: number) => number): Value => {
    const angles = tableOf(length * half, (i) => {
      const pair = i % half;
      return f(Math.floor(i / half) * rotary.base ** ((-2 * pair) / count));
    });
    const extents = shape.map((_, i) => (i === axis ? length : i === last ? half : 1));
    return b.constant(angles, apart ? extents : [...extents, 1]);
  };
  const [cos, sin] = [table(Math.cos), table(Math.sin)];
  const turned = sliceAlong(b, x, last, 0, count);
  // Pairs of neighbours stand on an axis of their own.
  const paired = apart ? turned : reshapeTo(b, turned, [...shape.slice(0, last), half, 2]);
  const [at, size] = apart ? [last, half] : [last + 1, 1];
  const first = sliceAlong(b, paired, at, 0, size);
  const second = sliceAlong(b, paired, at, size, 2 * size);
  const mul = (u: Value, v: Value): Value => b.op('mul', [u, v]);
  const both = [b.op('sub', [mul(first, cos), mul(second, sin)]), b.op('add', [mul(second, cos), mul(first, sin)])];
  const joined = reshapeTo(b, b.op('concat', both, { axis: at }), [...shape.slice(0, last), count]);
  return count === features
    ? joined
    : b.op('concat', [joined, sliceAlong(b, x, last, count, features)], { axis: last });
}
