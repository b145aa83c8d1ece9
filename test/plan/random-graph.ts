/**
 * Random graphs for property tests: a little of everything that passes and planner have to get right (broadcasting,
 * views, several outputs, checks, states read before and after they are updated). All numbers stay small and all
 * constants are sums of few powers of two, so that folding is exact and comparisons do not hang on rounding.
 */
import fc from 'fast-check';
import { Builder } from '../../compiler/ir/builder';
import type { Graph, Value } from '../../compiler/ir/graph';
import { elementCount, sameType, tensorType, type Shape } from '../../compiler/ir/types';
import { broadcastPair } from '../../compiler/ops/families/shapes';

const SHAPES: readonly Shape[] = [[], [3], [1, 3], [2, 3], [2, 1], [3, 2], [2, 3, 4], [2, 1, 4], [6]];
const CONSTANTS = [0, 1, -1, 0.5, 2, 0.25, -0.5];
const UNARY = ['neg', 'abs', 'relu', 'tanh', 'sin', 'square', 'sigmoid'];
const BINARY = ['add', 'sub', 'mul', 'maximum', 'minimum'];

type Choice = readonly [kind: number, a: number, b: number, c: number];

export const randomGraph: fc.Arbitrary<Graph> = fc
  .record({
    inputs: fc.array(fc.nat(SHAPES.length - 1), { minLength: 1, maxLength: 3 }),
    states: fc.array(fc.nat(SHAPES.length - 1), { maxLength: 3 }),
    choices: fc.array(fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99), fc.nat(99)), { maxLength: 40 }),
    results: fc.array(fc.nat(99), { minLength: 1, maxLength: 3 }),
    updates: fc.array(fc.nat(99), { maxLength: 3 }),
  })
  .map(({ inputs, states, choices, results, updates }) => {
    const b = new Builder('random');
    b.origin = { layer: 'layer', at: { file: 'model.yaml', line: 1, column: 1, length: 1 }, via: [] };
    const values: Value[] = [
      ...inputs.map((shape, i) => b.input(`in${i}`, tensorType('f32', SHAPES[shape] ?? []))),
      ...states.map((shape, i) => b.state(`s${i}`, tensorType('f32', SHAPES[shape] ?? []), 'parameter')),
    ];
    for (const choice of choices) values.push(...grow(b, values, choice));
    results.forEach((pick, i) => b.result(`r${i}`, at(values, pick)));
    b.states.forEach(({ value }, i) => {
      const fitting = values.filter((candidate) => sameType(candidate.type, value.type));
      const pick = updates[i];
      if (pick !== undefined) b.update(value, at(fitting, pick));
    });
    return b.build();
  });

function at<T>(list: readonly T[], pick: number): T {
  return list[pick % list.length] as T;
}

function grow(b: Builder, values: readonly Value[], [kind, x, y, z]: Choice): readonly Value[] {
  const floats = values.filter((value) => value.type.dtype === 'f32');
  const a = at(floats, x);
  const { shape } = a.type;
  const partners = floats.filter((value) => broadcastPair(shape, value.type.shape));
  const other = at(partners, y);
  switch (kind % 17) {
    case 0:
    case 1:
    case 2:
      return [b.op(at(UNARY, z), [a])];
    case 3:
    case 4:
    case 5:
      // A bounded result, so that long chains of products stay finite.
      return [b.op('sin', [b.op(at(BINARY, z), [a, other])])];
    case 6: {
      const condition = b.op(z % 2 === 0 ? 'greater' : 'less_equal', [a, other]);
      return [condition, b.op('where', [condition, a, other])];
    }
    case 7:
      return [b.full(at(CONSTANTS, z), y % 2 === 0 ? [] : shape)];
    case 8:
      return [b.op('reshape', [a], { shape: z % 2 === 0 ? [elementCount(shape)] : [1, ...shape] })];
    case 9:
      return [b.op('transpose', [a], { perm: shape.map((_, axis) => shape.length - 1 - axis) })];
    case 10:
      return shape.length === 0 ? [] : [b.op('reduce_sum', [a], { axes: [z % shape.length], keepdims: y % 2 === 0 })];
    case 11: {
      const right = floats.filter(({ type }) => type.shape.length === 2 && type.shape[0] === shape[1]);
      if (shape.length !== 2 || right.length === 0) return [];
      return [b.op('sin', [b.op('matmul', [a, at(right, y)], { transpose_a: false, transpose_b: false })])];
    }
    case 12:
      return [b.op('check_finite', [a], { what: 'a value' })];
    case 13: {
      const sequences = floats.filter(({ type }) => (type.shape[0] ?? 0) > 0);
      if (sequences.length === 0) return [];
      return looped(b, { init: a, other, sequence: at(sequences, z), late: y });
    }
    case 14: {
      const predicate = b.op('equal', [b.full(y % 2), b.full(z % 2)]);
      return b.cond(
        predicate,
        (sub) => [sub.op(at(UNARY, z), [a]), sub.op('add', [a, other])],
        (sub) => [a, sub.op('mul', [other, a])],
      );
    }
    case 15: {
      const { carries } = b.while({
        limit: 5,
        init: [b.op('sin', [a]), a],
        condition: (sub, _carries, index) => sub.op('less', [index, sub.full(z % 7, [], 'i32')]),
        body: (sub, [p, q]) => [sub.op('sin', [sub.op('sub', [q!, p!])]), p!],
      });
      return carries;
    }
    default: {
      if (shape.length < 2 || shape.some((extent) => extent === 0)) return [];
      const vector = floats.filter(({ type }) => type.shape.length === 1 && type.shape[0] === shape[1]);
      if (vector.length === 0) return [];
      return b.ops('batch_norm_train', [a, at(vector, y), at(vector, z)], { epsilon: 0.5 });
    }
  }
}

interface Looped {
  readonly init: Value;
  /** Broadcasts with it. */
  readonly other: Value;
  readonly sequence: Value;
  readonly late: number;
}

/** A loop that captures, carries two values, takes slices, and stacks what it carried before and after a step. */
function looped(b: Builder, { init, other, sequence, late }: Looped): readonly Value[] {
  const { carries, outputs } = b.scan({
    reverse: late % 2 === 0,
    init: [init, b.op('sin', [init])],
    sequences: [sequence],
    body: (sub, [p, q], [x]) => {
      const sum = sub.op('reduce_sum', [x!], { axes: x!.type.shape.map((_, axis) => axis), keepdims: false });
      const mixed = sub.op('sin', [sub.op('add', [sub.op('mul', [p!, other]), sum])]);
      const next = sameType(mixed.type, p!.type) ? mixed : sub.op('neg', [p!]);
      return { carries: late % 3 === 0 ? [q!, next] : [next, p!], outputs: [p!, sub.op('tanh', [x!]), next] };
    },
  });
  return [...carries, ...outputs];
}

/** Inputs or states filled with numbers that depend on name and place alone. */
export function feedsFor(values: readonly Value[], seed: number): Record<string, Float64Array> {
  return Object.fromEntries(
    values.map(({ name, type }, k) => [
      name,
      Float64Array.from({ length: elementCount(type.shape) }, (_, i) => Math.sin(seed + 3 * k + 1.7 * i)),
    ]),
  );
}
