/** The kernels of layer_norm where its samples are too small: rows of several runs, sums of several slices, large means. */
import { Builder } from '../../compiler/ir/builder';
import type { Graph } from '../../compiler/ir/graph';
import { tensorType, type Shape } from '../../compiler/ir/types';
import type { RefTensor } from '../../compiler/ops/define';
import { interpret } from '../../compiler/reference/interpret';
import { difference, runNatively } from '../support/native';
import { generator } from '../support/samples';

function drawn(shape: Shape, seed: number, offset: number): RefTensor {
  const random = generator(seed);
  const count = shape.reduce((product, extent) => product * extent, 1);
  const data = Float64Array.from({ length: count }, () => Math.fround(offset + 2 * random() - 1));
  return { type: tensorType('f32', shape), data };
}

/** Normalizes x and takes the gradients for dy, with gamma and beta. */
function bothWays(shape: Shape, center: boolean): Graph {
  const b = new Builder('rows');
  const attrs = { axis: 1, epsilon: 1e-5, center };
  const row = tensorType('f32', shape.slice(1));
  const [x, dy] = [b.input('x', tensorType('f32', shape)), b.input('dy', tensorType('f32', shape))];
  const [gamma, beta] = [b.input('gamma', row), b.input('beta', row)];
  const [y, mean, rstd] = b.ops('layer_norm', [x, gamma, beta], attrs);
  b.result('y', y!);
  const gradients = b.ops('layer_norm_grad', [dy, x, mean!, rstd!, gamma], attrs);
  gradients.forEach((gradient, i) => b.result(`d${i}`, gradient));
  return b.build();
}

test.each([
  [[37, 1023], true, 0],
  [[37, 1023], false, 0],
  [[3, 4097, 3], true, 0],
  [[1030, 33], true, 0],
  // A mean of a thousand deviations costs three of seven digits, and no more.
  [[20, 517], true, 1000],
] as const)('rows of %j, centred: %s, around %d', async (shape, center, offset) => {
  const feeds = {
    x: drawn(shape, 1, offset),
    dy: drawn(shape, 2, 0),
    gamma: drawn(shape.slice(1), 3, 1),
    beta: drawn(shape.slice(1), 4, 0),
  };
  const graph = bothWays(shape, center);
  const expected = interpret(graph, feeds).results;
  const tolerance = offset === 0 ? 1e-5 : 1e-3;
  const alone = (await runNatively(graph, feeds, {}, 1)).results;
  for (const [name, tensor] of Object.entries(expected)) {
    expect([name, difference(alone[name], tensor, tolerance)]).toEqual([name, undefined]);
  }
  expect((await runNatively(graph, feeds, {}, 3)).results).toEqual(alone);
});
