/** Kernels, strides and paddings, which Caffe writes in three ways, and the extents that follow. */
import type { Json } from '../../../../frontend/spec';
import type { Fields } from '../../../formats/caffe/fields';
import type { Use } from '../use';

export interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

/** One number for all axes, or one for each. */
export function perAxis(values: readonly number[]): Json {
  return values.every((value) => value === values[0]) ? values[0]! : [...values];
}

/** A window over `rank` axes: `kernel_size` for all or for each axis, or `kernel_h` and `kernel_w`. */
export function windowOf(
  use: Use,
  param: Fields,
  rank: number,
  least: { readonly kernel?: readonly number[] } = {},
): Window {
  const read = (names: readonly string[], pair: string, otherwise: number | undefined): readonly number[] => {
    const listed = names.flatMap((name) => param.counts(name));
    const sides = ['h', 'w'].map((side) => param.count(`${pair}_${side}`));
    if (sides.some((side) => side !== undefined) && rank === 2) {
      return sides.map((side) => side ?? listed.at(-1) ?? otherwise ?? 0);
    }
    if (listed.length === 0) {
      if (otherwise === undefined) use.refuse(`has no \`${names[0]!}\``);
      return Array.from({ length: rank }, () => otherwise);
    }
    if (listed.length === rank) return listed;
    return Array.from({ length: rank }, () => listed.at(-1)!);
  };
  const kernel = least.kernel ?? read(['kernel_size', 'kernelsize'], 'kernel', undefined);
  const stride = read(['stride'], 'stride', 1);
  const window = { kernel, stride, padding: read(['pad'], 'pad', 0), dilation: read(['dilation'], 'dilation', 1) };
  if ([...window.kernel, ...window.stride, ...window.dilation].some((extent) => extent < 1)) {
    use.refuse('has a kernel, stride or dilation of 0');
  }
  return window;
}

/** The fields of a window; those that are usual are left out. */
export function windowFields(
  { kernel, stride, padding, dilation }: Window,
  usualStride: readonly number[] = [1],
): Record<string, Json> {
  const isUsual = stride.every((step, i) => step === (usualStride[i] ?? usualStride[0]));
  return {
    kernel: perAxis(kernel),
    ...(isUsual ? {} : { stride: perAxis(stride) }),
    ...(padding.every((side) => side === 0) ? {} : { padding: perAxis(padding) }),
    ...(dilation.every((step) => step === 1) ? {} : { dilation: perAxis(dilation) }),
  };
}

/** Extents behind a convolution, which rounds down. */
export function convolved(
  use: Use,
  extents: readonly number[],
  { kernel, stride, padding, dilation }: Window,
): number[] {
  return extents.map((extent, i) => {
    const out = Math.floor((extent + 2 * padding[i]! - dilation[i]! * (kernel[i]! - 1) - 1) / stride[i]!) + 1;
    if (out < 1) use.refuse(`has a window of ${kernel[i]} on an extent of ${extent}`);
    return out;
  });
}
