/** Element-wise kernels where formulas break: zeros, infinities, NaN, the ends of exp and log, halves, ties. */
import { ELEMENTWISE } from '../../compiler/ops/elementwise/index';
import type { ElementwiseOp } from '../../compiler/ops/families/elementwise';
import { Builder } from '../../compiler/ir/builder';
import type { DType } from '../../compiler/ir/types';
import { runNatively } from '../support/native';

const SPECIAL = [
  0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  1e-8,
  -1e-8,
  1e-30,
  1e30,
  -1e30,
  88,
  -87,
  89,
  -104,
  20,
  -20,
  6,
  1000.25,
  Infinity,
  -Infinity,
  NaN,
].map(Math.fround);
/** Results below this may be flushed to zero. */
const TINY = 2 ** -126;

const OPS: [string, ElementwiseOp][] = Object.entries<ElementwiseOp>(ELEMENTWISE);

async function applied(op: ElementwiseOp, operands: readonly (readonly number[])[], dtype: DType): Promise<number[]> {
  const b = new Builder('special');
  const tensors = operands.map((values) => ({
    type: { dtype, shape: [values.length] },
    data: Float64Array.from(values),
  }));
  const inputs = tensors.map(({ type }, i) => b.input(`x${i}`, type));
  b.result('y', b.op(op.name, inputs));
  const { results } = await runNatively(b.build(), Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor])));
  return Array.from(results['y'] ?? [], Number);
}

function wrong(found: number, expected: number): boolean {
  const rounded = Math.fround(expected);
  if (Number.isNaN(rounded)) return !Number.isNaN(found);
  if (!Number.isFinite(rounded) || !Number.isFinite(found)) return found !== rounded;
  return Math.abs(found - rounded) > 1e-6 * Math.abs(rounded) + TINY;
}

describe.each(OPS.filter(([, op]) => op.arity === 1 && op.name !== 'not'))('%s', (name, op) => {
  // Beyond a few thousand turns a float32 says nothing about its angle.
  const bounded = ['sin', 'cos', 'tan'].includes(name);
  const values = bounded ? SPECIAL.filter((x) => !(Math.abs(x) > 1e4) || !Number.isFinite(x)) : SPECIAL;

  test('is right at special values', async () => {
    const found = await applied(op, [values], 'f32');
    const rows = values.map((x, i) => ({ x, found: found[i] ?? NaN, expected: op.apply(x, 0, 0) }));
    expect(rows.filter((row) => wrong(row.found, row.expected))).toEqual([]);
  });
});

describe.each(OPS.filter(([, op]) => op.arity === 2 && !['and', 'or'].includes(op.name)))('%s', (_name, op) => {
  const pairs = SPECIAL.flatMap((a) => SPECIAL.map((b) => [a, b] as const));

  test('is right at every pair of special values', async () => {
    const [left, right] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
    const found = await applied(op, [left, right], 'f32');
    const rows = pairs.map(([a, b], i) => ({ a, b, found: found[i] ?? NaN, expected: op.apply(a, b, 0) }));
    expect(rows.filter((row) => wrong(row.found, row.expected))).toEqual([]);
  });
});
