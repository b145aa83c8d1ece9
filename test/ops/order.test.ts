/** Order, running totals and products against hand-written results and PyTorch's (torch 2.13), and what they refuse. */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { Builder } from '../../compiler/ir/builder';
import type { Attrs } from '../../compiler/ir/graph';
import { interpret } from '../../compiler/reference/interpret';
import { call, refusal, tensor, valuesOf } from '../support/call';
import { runNatively } from '../support/native';

/** The gradient of Σ weights · op(x). */
function gradientOf(op: string, x: readonly number[], attrs: Attrs, weights?: readonly number[]): number[] {
  const b = new Builder('g');
  const input = b.input('x', { dtype: 'f32', shape: [x.length] });
  const y = b.op(op, [input], attrs);
  const weighted = b.op('mul', [y, b.constant(weights ?? [1], y.type.shape)]);
  const axes = y.type.shape.map((_, axis) => axis);
  const [gradient] = differentiate(b, b.op('reduce_sum', [weighted], { axes, keepdims: false }), [input]);
  b.result('d', gradient!);
  // Zeros of either sign are one.
  return Array.from(interpret(b.build(), { x: Float64Array.from(x) }).results['d']?.data ?? [], (d) => d + 0);
}

test('sort gives values and where they were; equals keep their order, NaN is last', async () => {
  const x = tensor([3, NaN, -1, 3, -Infinity, 0, -0], [7]);
  const ascending = valuesOf('sort', [x], { axis: 0, descending: false });
  expect(ascending).toEqual([
    [-Infinity, -1, 0, -0, 3, 3, NaN],
    [4, 2, 5, 6, 0, 3, 1],
  ]);
  const descending = valuesOf('sort', [x], { axis: 0, descending: true });
  expect(descending).toEqual([
    [3, 3, 0, -0, -1, -Infinity, NaN],
    [0, 3, 5, 6, 2, 4, 1],
  ]);
  for (const [direction, expected] of [
    [false, ascending],
    [true, descending],
  ] as const) {
    const b = new Builder('sort');
    const [values, indices] = b.ops('sort', [b.input('x', x.type)], { axis: 0, descending: direction });
    b.result('values', values!);
    b.result('indices', indices!);
    const { results } = await runNatively(b.build(), { x });
    expect([[...results['values']!], [...results['indices']!]]).toEqual(expected);
  }
  expect(refusal('sort', [tensor([1], [1], 'bool')], { axis: 0, descending: false })).toContain('cast it first');
});

test('lines that no thread has room for are sorted in the workspace', async () => {
  const extent = 2 ** 18 + 3;
  const x = tensor(
    Array.from({ length: 2 * extent }, (_, i) => ((i * 7919) % 10007) - 5000),
    [2, extent],
  );
  const b = new Builder('sort');
  const [values, indices] = b.ops('sort', [b.input('x', x.type)], { axis: 1, descending: true });
  b.result('values', values!);
  b.result('indices', indices!);
  const { results } = await runNatively(b.build(), { x }, {}, 2);
  const [found, from] = [results['values'] as Float32Array, results['indices'] as Int32Array];
  let wrong = 0;
  for (let i = 0; i < 2 * extent; i++) {
    const line = i < extent ? 0 : extent;
    if (found[i] !== x.data[line + from[i]!]) wrong++;
    // Equal numbers in their order, which also says that none comes twice.
    if (i > line && !(found[i]! < found[i - 1]! || (found[i] === found[i - 1] && from[i]! > from[i - 1]!))) wrong++;
  }
  expect(wrong).toBe(0);
});

test('cumsum and cumprod, whole or exclusive, from either end', () => {
  const x = tensor([2, 3, 5, 7]);
  const run = (op: string, exclusive: boolean, reverse: boolean): number[] =>
    call(op, [x], { axis: 0, exclusive, reverse }).values;
  expect(run('cumsum', false, false)).toEqual([2, 5, 10, 17]);
  expect(run('cumsum', true, false)).toEqual([0, 2, 5, 10]);
  expect(run('cumsum', false, true)).toEqual([17, 15, 12, 7]);
  expect(run('cumsum', true, true)).toEqual([15, 12, 7, 0]);
  expect(run('cumprod', false, false)).toEqual([2, 6, 30, 210]);
  expect(run('cumprod', true, true)).toEqual([105, 35, 7, 1]);
  expect(
    call('cumsum', [tensor([1, 2, 3, 4, 5, 6], [3, 2])], { axis: 0, exclusive: false, reverse: false }).values,
  ).toEqual([1, 2, 4, 6, 9, 12]);
  expect(refusal('cumsum', [x], { axis: 1, exclusive: false, reverse: false })).toContain("attribute 'axis' is 1");
  expect(refusal('cumprod', [tensor([1], [1], 'bool')], { axis: 0, exclusive: false, reverse: false })).toContain(
    'cast',
  );
});

test('products have gradients through zeros', () => {
  const plain = { axis: 0, exclusive: false, reverse: false };
  expect(gradientOf('cumprod', [2, 0, 3, -1, 5], plain)).toEqual([1, -28, 0, 0, 0]);
  expect(gradientOf('cumprod', [2, 0, 3, 0, 5], plain, [1, 2, 3, 4, 5])).toEqual([1, 22, 0, 0, 0]);
  expect(gradientOf('reduce_prod', [2, 0, 3], { axes: [0], keepdims: false })).toEqual([0, 6, 0]);
  expect(gradientOf('reduce_prod', [1, -4, 5], { axes: [0], keepdims: false })).toEqual([-20, 5, -4]);
  expect(gradientOf('reduce_prod', [0, -4, 0], { axes: [0], keepdims: false })).toEqual([0, 0, 0]);
});

test('reduce_prod multiplies; nothing is 1', () => {
  const m = tensor([1, 2, 3, 4, 5, 6], [2, 3]);
  expect(call('reduce_prod', [m], { axes: [1], keepdims: false }).values).toEqual([6, 120]);
  expect(call('reduce_prod', [m], { axes: [0, 1], keepdims: true })).toMatchObject({ shape: [1, 1], values: [720] });
  expect(call('reduce_prod', [tensor([], [2, 0])], { axes: [1], keepdims: false }).values).toEqual([1, 1]);
});

test('a product may pass beyond the range of float32 on its way', async () => {
  const rows = 40;
  const x = tensor(
    Array.from({ length: rows * 2 }, (_, i) => (i < rows ? 1e-3 : 1e3)),
    [rows, 2],
  );
  for (const axes of [[0], [0, 1]]) {
    const b = new Builder('g');
    b.result('y', b.op('reduce_prod', [b.input('x', x.type)], { axes, keepdims: false }));
    const { results } = await runNatively(b.build(), { x });
    for (const value of results['y']!) expect(Math.abs(Number(value) - 1)).toBeLessThan(1e-5);
  }
});

test('a linear recurrence carries on what it has', () => {
  const a = tensor([9, 0.5, 2, -1]);
  const b = tensor([4, 1, 0, 1]);
  expect(call('linear_recurrence', [a, b], { axis: 0, reverse: false }).values).toEqual([4, 3, 6, -5]);
  expect(call('linear_recurrence', [a, b], { axis: 0, reverse: true }).values).toEqual([22, 2, 2, 1]);
  expect(refusal('linear_recurrence', [a, tensor([1])], { axis: 0, reverse: false })).toContain('expected [4]');
});
