/** Reverse mode on small graphs: sums over several uses, where it stops, the names and origins of its nodes. */
import { differentiate } from '../../compiler/autodiff/differentiate';
import { Builder } from '../../compiler/ir/builder';
import type { Value } from '../../compiler/ir/graph';
import { interpret, type Feeds } from '../../compiler/reference/interpret';

/** f's gradient with respect to each of the values, at a point. */
function gradientsAt(b: Builder, loss: Value, wrt: readonly Value[], point: Feeds): (number[] | undefined)[] {
  const gradients = differentiate(b, loss, wrt);
  gradients.forEach((gradient, i) => gradient && b.result(`g${i}`, gradient));
  const { results } = interpret(b.build(), point);
  return gradients.map((gradient, i) => gradient && [...(results[`g${i}`]?.data ?? [])]);
}

function scalar(b: Builder, name: string): Value {
  return b.input(name, { dtype: 'f32', shape: [] });
}

const at = (...values: number[]): Float64Array => Float64Array.from(values);

test('a value that is used several times gets the sum of its gradients', () => {
  const b = new Builder('g');
  const x = scalar(b, 'x');
  const product = b.op('mul', [x, b.op('sin', [x])]);
  const loss = b.op('add', [product, b.op('square', [x])]);
  const [d] = gradientsAt(b, loss, [x], { x: at(0.7) });
  expect(d?.[0]).toBeCloseTo(Math.sin(0.7) + 0.7 * Math.cos(0.7) + 1.4, 12);
});

test('an op that reads one value twice counts both', () => {
  const b = new Builder('g');
  const x = scalar(b, 'x');
  expect(gradientsAt(b, b.op('mul', [x, x]), [x], { x: at(3) })).toEqual([[6]]);
});

test('the loss itself has gradient 1, and what it does not depend on has none', () => {
  const b = new Builder('g');
  const [x, y] = [scalar(b, 'x'), scalar(b, 'y')];
  const loss = b.op('exp', [x]);
  expect(gradientsAt(b, loss, [loss, y], { x: at(2), y: at(0) })).toEqual([[1], undefined]);
});

test('a value in the middle has a gradient, and so have those behind it', () => {
  const b = new Builder('g');
  const x = scalar(b, 'x');
  const middle = b.op('mul', [x, b.full(3)]);
  const loss = b.op('square', [middle]);
  expect(gradientsAt(b, loss, [middle, x], { x: at(2) })).toEqual([[12], [36]]);
});

test('a stopped gradient goes no further, a scaled one changes on its way', () => {
  const b = new Builder('g');
  const [x, z] = [scalar(b, 'x'), scalar(b, 'z')];
  const loss = b.op('mul', [b.op('stop_gradient', [b.op('square', [x])]), b.op('mul', [x, z])]);
  // As if x² were a constant: d(x²·x·z)/dx = x²·z.
  expect(gradientsAt(b, loss, [x, z], { x: at(3), z: at(2) })).toEqual([[18], [27]]);
  const reversed = new Builder('g');
  const y = scalar(reversed, 'y');
  const turned = reversed.op('scale_gradient', [reversed.op('square', [y])], { factor: -0.5 });
  expect(gradientsAt(reversed, turned, [y], { y: at(3) })).toEqual([[-3]]);
});

test('what depends on a value through a stopped gradient alone need not be differentiable', () => {
  const b = new Builder('g');
  const x = b.input('x', { dtype: 'f32', shape: [2] });
  const drawn = b.op(
    'lrn_grad',
    [b.full(1, [1, 2, 1, 1]), b.op('reshape', [b.op('stop_gradient', [x])], { shape: [1, 2, 1, 1] })],
    {
      size: 1,
      alpha: 1,
      beta: 0.5,
      k: 1,
    },
  );
  const loss = b.op('reduce_sum', [drawn], { axes: [0, 1, 2, 3], keepdims: false });
  expect(differentiate(b, loss, [x])).toEqual([undefined]);
});

test('integers and bools let no gradient through', () => {
  const b = new Builder('g');
  const x = b.input('x', { dtype: 'f32', shape: [2] });
  const whole = b.op('cast', [b.op('cast', [x], { dtype: 'i32' })], { dtype: 'f32' });
  const choice = b.op('where', [b.op('greater', [x, b.full(0)]), whole, whole]);
  const loss = b.op('reduce_sum', [choice], { axes: [0], keepdims: false });
  expect(differentiate(b, loss, [x])).toEqual([undefined]);
});

test('nodes that do not lie between the loss and a parameter are not differentiated', () => {
  const b = new Builder('g');
  const [x, w] = [scalar(b, 'x'), scalar(b, 'w')];
  const features = b.op('exp', [b.op('tanh', [x])]);
  const loss = b.op('mul', [features, w]);
  b.op('log', [loss]);
  const before = b.nodes.length;
  differentiate(b, loss, [w]);
  expect(b.nodes.slice(before).map((node) => node.op)).toEqual(['constant', 'mul']);
});

test('equal sides of a maximum share the gradient, and a rectifier passes none at 0', () => {
  const b = new Builder('g');
  const [x, y] = [scalar(b, 'x'), scalar(b, 'y')];
  expect(gradientsAt(b, b.op('maximum', [x, y]), [x, y], { x: at(2), y: at(2) })).toEqual([[0.5], [0.5]]);
  const c = new Builder('g');
  const z = scalar(c, 'z');
  expect(gradientsAt(c, c.op('relu', [z]), [z], { z: at(0) })).toEqual([[0]]);
});

test('the elements that share a largest value share its gradient', () => {
  const b = new Builder('g');
  const x = b.input('x', { dtype: 'f32', shape: [4] });
  const loss = b.op('reduce_max', [x], { axes: [0], keepdims: false });
  expect(gradientsAt(b, loss, [x], { x: at(1, 5, 5, 0) })).toEqual([[0, 0.5, 0.5, 0]]);
});

test('powers have finite gradients where a formula would divide by zero', () => {
  const b = new Builder('g');
  const [x, p] = [scalar(b, 'x'), scalar(b, 'p')];
  expect(gradientsAt(b, b.op('pow', [x, p]), [x, p], { x: at(0), p: at(0) })).toEqual([[0], [0]]);
});

test('a gradient is named after its value and comes from its layer', () => {
  const b = new Builder('g');
  const x = b.input('x', { dtype: 'f32', shape: [2, 3] });
  const w = b.state('fc.weight', { dtype: 'f32', shape: [4, 3] }, 'parameter');
  b.origin = { layer: 'fc', at: { file: 'm.yaml', line: 7, column: 5, length: 1 }, via: [] };
  const y = b.op('matmul', [x, w], { transpose_a: false, transpose_b: true }, 'fc');
  b.origin = { layer: 'act', at: { file: 'm.yaml', line: 8, column: 5, length: 1 }, via: [] };
  const a = b.op('tanh', [y], {}, 'act');
  const loss = b.op('reduce_sum', [a], { axes: [0, 1], keepdims: false }, 'loss');
  const here = b.origin;
  const [dw] = differentiate(b, loss, [w]);
  expect(dw?.name).toBe('d_fc.weight');
  expect(b.origin).toBe(here);
  const named = b.nodes.slice(3).map(({ outputs, origin }) => [outputs[0]?.name, origin.layer]);
  expect(named).toEqual([
    ['d_loss', 'act'],
    ['d_loss.part', 'act'],
    ['d_act', 'act'],
    ['d_act.part', 'act'],
    ['d_act.part_1', 'act'],
    ['d_act.part_2', 'act'],
    ['d_fc', 'act'],
    ['d_fc.weight', 'fc'],
  ]);
});

test('a path through an op without a gradient is an error that names the layer', () => {
  const b = new Builder('g');
  const x = scalar(b, 'x');
  b.origin = { layer: 'odd', at: { file: 'm.yaml', line: 3, column: 5, length: 1 }, via: [] };
  const loss = b.op('fused_elementwise', [x], { program: 'a = neg(%0); yield a' });
  expect(() => differentiate(b, loss, [x])).toThrow(
    'm.yaml:3:5: error: `odd` has no gradient (`fused_elementwise`), and the loss depends on parameters through it [no-gradient]',
  );
});

test('only a floating-point scalar can be differentiated', () => {
  const b = new Builder('g');
  const x = b.input('x', { dtype: 'f32', shape: [2] });
  expect(() => differentiate(b, b.op('exp', [x], {}, 'y'), [x])).toThrow('only a floating-point scalar has a gradient');
});

test('ten thousand nodes are differentiated in a moment', () => {
  const b = new Builder('g');
  const x = scalar(b, 'x');
  let y = x;
  for (let i = 0; i < 10_000; i++) y = b.op('neg', [y]);
  const start = performance.now();
  expect(gradientsAt(b, y, [x], { x: at(1) })).toEqual([[1]]);
  expect(performance.now() - start).toBeLessThan(5000);
});
