/** Values of ours as tensors of Keras, in whichever order of axes, and the layers that bring them into another. */
import { identity, sameOrder, type Features } from '../../formats/keras/axes';
import type { KerasTensor, Net } from './net';

/** A value of ours in Keras: our axis i is Keras's axis `order[i]`. */
export interface Value {
  readonly tensor: KerasTensor;
  readonly order: readonly number[];
  /** Of a flattened image, whose features stand in another order than ours. */
  readonly features?: Features;
  /** Nothing in it is below zero. */
  readonly positive?: boolean;
}

/** The value behind a layer of which nothing more is known. */
export function settled({ tensor, order, features }: Value): Value {
  return { tensor, order, ...(features === undefined ? {} : { features }) };
}

/** The tensor in the given order; layers that turn it are named after `name`. */
export function inOrder(net: Net, name: string, value: Value, order: readonly number[]): KerasTensor {
  const { tensor, features } = value;
  const add = (type: string, config: Parameters<Net['add']>[2], on: KerasTensor, shape: number[], what: string) =>
    net.call(net.add(`${name}_${what}`, type, config, {}), [on], shape, false);
  if (features !== undefined) {
    // Features of a flattened image: the image again, turned, and flattened in our order.
    const { extents, axes } = features;
    const held = axes.map((axis) => extents[axis]!);
    const grid = add('Reshape', { target_shape: held }, tensor, [1, ...held], 'grid');
    const dims = identity(axes.length).map((axis) => axes.indexOf(axis) + 1);
    const turned = add('Permute', { dims }, grid, [1, ...extents], 'permuted');
    return add('Flatten', {}, turned, [...tensor.shape], 'flat');
  }
  if (sameOrder(value.order, order)) return tensor;
  const axes = identity(order.length).map((axis) => value.order[order.indexOf(axis)]!);
  const shape = axes.map((axis) => tensor.shape[axis]!);
  return add('Permute', { dims: axes.slice(1) }, tensor, shape, 'permuted');
}
