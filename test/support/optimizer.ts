/** Steps of an optimizer on given gradients, in float64 and in the reference interpreter: formulas to the last digit. */
import type { Fields, Json } from '../../compiler/frontend/spec';
import { Builder } from '../../compiler/ir/builder';
import type { Value } from '../../compiler/ir/graph';
import type { Shape } from '../../compiler/ir/types';
import { elementCount } from '../../compiler/ir/types';
import { typedItem, withDefaults } from '../../compiler/lower/defaults';
import { Arithmetic } from '../../compiler/ops/families/arithmetic';
import type { OptimizerDef } from '../../compiler/optimizers/define';
import { interpret } from '../../compiler/reference/interpret';

export interface Course {
  readonly shape: Shape;
  readonly start: readonly number[];
  /** Of step t = 1, 2, …. */
  readonly gradient: (t: number) => readonly number[];
  readonly steps: number;
  readonly decay?: number;
  /** Factor on the learning rate at step t. */
  readonly rate?: (t: number) => number;
}

/** Smooth, of both signs, and the same in any language: 0.5 · sin(1 + 1.7·i + 2.3·t). */
export const waves =
  (count: number) =>
  (t: number): number[] =>
    Array.from({ length: count }, (_, i) => 0.5 * Math.sin(1 + 1.7 * i + 2.3 * t));

/** cos(i), to begin with. */
export const start = (count: number): number[] => Array.from({ length: count }, (_, i) => Math.cos(i));

const filled = (init: Json): number => {
  const { type, fields } = typedItem(init);
  return type === 'constant' ? Number(fields['value']) : type === 'ones' ? 1 : 0;
};

/** The parameter after each step. */
export function follow(def: OptimizerDef, given: Fields, course: Course): number[][] {
  const { shape } = course;
  const fields = withDefaults(def, given);
  const type = { dtype: 'f64', shape } as const;
  let states: Record<string, Float64Array> = { p: Float64Array.from(course.start) };
  return Array.from({ length: course.steps }, (_, i) => {
    const b = new Builder('step');
    const full = b.full.bind(b);
    // Constants of optimizers are float32; here the whole step is float64, to compare digits.
    b.full = (value, extents, _dtype, name) => full(value, extents, 'f64', name);
    const parameter = b.state('p', type, 'parameter');
    const inputs = new Map<string, Value>();
    const input = (name: string): Value => {
      if (!inputs.has(name)) inputs.set(name, b.input(name, { dtype: 'f64', shape: [] }));
      return inputs.get(name)!;
    };
    const value = def.lower({
      b,
      m: new Arithmetic(b, 'f64'),
      fields,
      parameter,
      gradient: b.input('g', type),
      lr: input('lr'),
      decay: course.decay ?? 1,
      hyper: (name) => b.full(Number(fields[name])),
      rest: (name) => b.full(1 - Number(fields[name])),
      slot: (name, { shape: own = shape, init = 'zeros' } = {}) => {
        states[`p.${name}`] ??= new Float64Array(elementCount(own)).fill(filled(init));
        return b.state(`p.${name}`, { dtype: 'f64', shape: own }, 'slot');
      },
      scalar: input,
      updateSlot: (slot, next) => b.update(slot, next),
    });
    b.update(parameter, value);
    const lr = Number(fields['lr']) * (course.rate?.(i + 1) ?? 1);
    const scalars: Readonly<Record<string, number>> = { lr, ...def.scalars(fields, i + 1) };
    const feeds: Record<string, Float64Array> = { g: Float64Array.from(course.gradient(i + 1)) };
    for (const name of inputs.keys()) feeds[name] = Float64Array.of(scalars[name]!);
    const { updates } = interpret(b.build(), feeds, states);
    states = Object.fromEntries(Object.entries(updates).map(([name, tensor]) => [name, tensor.data]));
    return [...states['p']!];
  });
}
