/** Constraints: what they make of a weight, worked out apart, and what they do with zeros, huge values and odd axes. */
import { parse } from 'yaml';
import type { ConstraintDef } from '../../compiler/constraints/define';
import { CONSTRAINTS } from '../../compiler/constraints/index';
import { Builder } from '../../compiler/ir/builder';
import { elementCount, type Shape } from '../../compiler/ir/types';
import { withDefaults } from '../../compiler/lower/defaults';
import { constrain } from '../../compiler/lower/constrain';
import type { Fields } from '../../compiler/frontend/spec';
import { interpret } from '../../compiler/reference/interpret';
import { netOf } from '../support/two-layers';

type Word = keyof typeof CONSTRAINTS;

function apply(type: Word, fields: Fields, shape: Shape, values: readonly number[]): number[] {
  const b = new Builder('test');
  const w = b.input('w', { dtype: 'f32', shape });
  const at = (): never => {
    throw new RangeError('not asked for');
  };
  b.result('y', constrain(b, { written: { type, ...fields }, at }, w));
  return [...interpret(b.build(), { w: Float64Array.from(values) }).results['y']!.data];
}

const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

/** Rows of norm 5, 0.5, 0 and 13. */
const ROWS = [3, 4, 0, 0.3, 0, 0.4, 0, 0, 0, 3, 4, 12];

test.each(Object.values(CONSTRAINTS as Readonly<Record<string, ConstraintDef>>))(
  '$type: its example is valid',
  (def) => {
    const { type, ...fields } = parse(def.example) as { type: string } & Fields;
    expect([type, def.problem?.(withDefaults(def, fields), 2)]).toEqual([def.type, undefined]);
    const own = { fc1: `, parameters: {weight: {constraint: ${def.example}}}` };
    expect(netOf('steps: 1, optimizer: {type: sgd, lr: 1}', own).train).toBeDefined();
  },
);

describe('max_norm', () => {
  it('scales rows that are too long, and leaves the others to the bit', () => {
    const found = apply('max_norm', { value: 2 }, [4, 3], ROWS);
    const expected = [1.2, 1.6, 0, 0.3, 0, 0.4, 0, 0, 0, 6 / 13, 8 / 13, 24 / 13];
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
    expect(found.slice(3, 9)).toEqual(ROWS.slice(3, 9));
  });

  it('takes the filters of a convolution as units, and other axes where they are given', () => {
    const values = Array.from({ length: 24 }, (_, i) => Math.sin(i + 1));
    const filters = apply('max_norm', { value: 0.5 }, [2, 3, 2, 2], values);
    for (const filter of [filters.slice(0, 12), filters.slice(12)]) expect(norm(filter)).toBeCloseTo(0.5, 12);
    const columns = apply('max_norm', { value: 0.5, axis: 0 }, [8, 3], values);
    for (const c of [0, 1, 2]) expect(norm(columns.filter((_, i) => i % 3 === c))).toBeCloseTo(0.5, 12);
    expect(apply('max_norm', { value: 0.5, axis: [-4, 1, 2, 3] }, [2, 3, 2, 2], values).length).toBe(24);
    expect(norm(apply('max_norm', { value: 0.5, axis: [-4, 1, 2, 3] }, [2, 3, 2, 2], values))).toBeCloseTo(0.5, 12);
  });

  it('takes a vector as a whole, and survives values whose squares overflow', () => {
    expect(norm(apply('max_norm', { value: 1 }, [3], [1e30, -2e30, 3e30]))).toBeCloseTo(1, 12);
  });
});

test('min_max_norm goes part of the way', () => {
  const found = apply('min_max_norm', { low: 1, high: 2, rate: 0.25 }, [4, 3], ROWS);
  const lengths = [0, 3, 6, 9].map((i) => norm(found.slice(i, i + 3)));
  // 5 → 5 − 3/4, 0.5 → 0.5 + 0.5/4, 0 stays, 13 → 13 − 11/4.
  [4.25, 0.625, 0, 10.25].forEach((length, i) => expect(lengths[i]).toBeCloseTo(length, 12));
});

test('unit_norm, range and non_negative', () => {
  const unit = apply('unit_norm', {}, [4, 3], ROWS);
  expect([0, 3, 6, 9].map((i) => Number(norm(unit.slice(i, i + 3)).toFixed(12)))).toEqual([1, 1, 0, 1]);
  expect(apply('range', { low: -0.5, high: 1 }, [3], [-2, 0.25, 2])).toEqual([-0.5, 0.25, 1]);
  expect(apply('range', { high: 1 }, [3], [-2, 0.25, 2])).toEqual([-2, 0.25, 1]);
  expect(apply('non_negative', {}, [3], [-2, 0.25, 2])).toEqual([0, 0.25, 2]);
});

test.each([
  ['range', {}, 1, { field: '', why: 'it needs `low`, `high` or both' }],
  ['range', { low: 2, high: 1 }, 1, { field: 'low', why: 'it is greater than `high`' }],
  ['min_max_norm', { low: 2 }, 1, { field: 'low', why: 'it is greater than `high`' }],
  ['unit_norm', { axis: 2 }, 2, { field: 'axis', why: 'there is no axis 2 of 2' }],
  ['max_norm', { axis: [0, -3] }, 2, { field: 'axis', why: 'there is no axis -3 of 2' }],
] as const)('%s %j is refused', (type, fields, rank, problem) => {
  const def: ConstraintDef = CONSTRAINTS[type];
  expect(def.problem?.(withDefaults(def, fields), rank)).toEqual(problem);
});

test('a constraint adds no state and keeps the shape', () => {
  for (const type of Object.keys(CONSTRAINTS) as Word[]) {
    const fields = type === 'range' ? { low: 0 } : {};
    expect(apply(type, fields, [2, 3], [1, -2, 3, 0, 5, 6])).toHaveLength(elementCount([2, 3]));
  }
});
