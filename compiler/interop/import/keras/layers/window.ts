/** Kernel, stride, padding and dilation of everything that moves a window over its input. */
import type { Fields, Json } from '../../../../frontend/spec';
import type { Config } from '../config';
import { Refusal, type Use } from '../use';
import type { Value } from '../value';

/** One number where all are the same. */
export const short = (list: readonly number[]): Json => (list.every((item) => item === list[0]) ? list[0]! : [...list]);

export interface Window {
  readonly fields: Fields;
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: string;
  readonly dilation: readonly number[];
  extent(n: number, axis: number): number;
}

/** Ours where they differ from the defaults; `usual` is the stride where none is given. */
export function windowOf(config: Config, axes: number, kernel: readonly number[], usual = kernel.map(() => 1)): Window {
  const stride = config.has('strides') ? config.ints('strides', axes, 1, 1) : usual;
  const dilation = config.ints('dilation_rate', axes, 1, 1);
  const padding = config.text('padding', 'valid');
  if (!['valid', 'same', 'causal'].includes(padding)) throw new Refusal(`the padding \`${padding}\` is not known`);
  const fields: Record<string, Json> = { kernel: short(kernel) };
  if (stride.some((step, i) => step !== usual[i])) fields.stride = short(stride);
  if (padding !== 'valid') fields.padding = padding;
  if (dilation.some((step) => step !== 1)) fields.dilation = short(dilation);
  return {
    fields,
    kernel,
    stride,
    padding,
    dilation,
    extent(n, axis) {
      const step = stride[axis]!;
      const reach = dilation[axis]! * (kernel[axis]! - 1) + 1;
      return padding === 'valid' ? Math.floor((n - reach) / step) + 1 : Math.ceil(n / step);
    },
  };
}

/** Extents in our order. */
export function held(use: Use, order: readonly number[]): number[] {
  return order.map((axis) => use.input.shape[axis]!);
}

/** The value that a result in our order is. */
export function from(ref: string, order: readonly number[], extents: readonly number[], foldable = false): Value {
  if (extents.slice(1).some((extent) => !(extent >= 1))) throw new Refusal('its output would be empty');
  const shape = new Array<number>(extents.length).fill(0);
  order.forEach((axis, i) => (shape[axis] = extents[i]!));
  return { ref, shape, order, ...(foldable ? { foldable: 1 } : {}) };
}
