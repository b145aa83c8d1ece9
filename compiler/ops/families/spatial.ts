/**
 * The arithmetic of windows that slide over spatial axes, shared by convolutions and poolings of one to three axes:
 * output extents, and which input element each window element lies on. One and two axes are lifted to three by
 * leading axes of extent 1, so that every reference is one plain loop over `taps`.
 */
import type { Attrs } from '../../ir/graph';
import type { Shape, TensorType } from '../../ir/types';
import { elementCount, formatType } from '../../ir/types';
import { integersAttr, requireFloat } from '../attributes';
import { OpTypeError } from '../define';

type Triple = readonly [number, number, number];

/** Lifted to three axes; `rank` says how many of them (the last ones) are real. */
export interface Window {
  readonly rank: number;
  readonly input: Triple;
  readonly output: Triple;
  readonly kernel: Triple;
  readonly stride: Triple;
  readonly low: Triple;
  readonly high: Triple;
  readonly dilation: Triple;
}

/** `5×5`, as extents are written in messages. */
export function times(extents: readonly number[]): string {
  return extents.join('×');
}

function lift(list: readonly number[], fill: number): Triple {
  const lifted = [...Array<number>(3 - list.length).fill(fill), ...list];
  return [lifted[0] ?? fill, lifted[1] ?? fill, lifted[2] ?? fill];
}

/** The shape behind the first two axes (N C ...), which must be one to three extents. */
export function spatialOf(type: TensorType, name: string): Shape {
  requireFloat(type, name);
  const rank = type.shape.length - 2;
  if (rank < 1 || rank > 3) {
    throw new OpTypeError(`the ${name} is ${formatType(type)}, expected [N, C] and one to three spatial axes`);
  }
  return type.shape.slice(2);
}

/** A shape whose element count a double holds exactly; everything computed from it is then exact too. */
export function requireCountable(shape: Shape, name: string): Shape {
  if (!Number.isSafeInteger(elementCount(shape))) {
    throw new OpTypeError(`the ${name} [${shape.join(',')}] has too many elements`);
  }
  return shape;
}

/**
 * The window that attributes `stride`, `padding_low`, `padding_high` and, for convolutions, `dilation` describe:
 * output extent = floor((input + low + high - dilation (kernel - 1) - 1) / stride) + 1.
 */
export function windowOf(spatial: Shape, kernel: Shape, attrs: Attrs, dilated: boolean): Window {
  const rank = spatial.length;
  const stride = integersAttr(attrs, 'stride', rank, 1);
  const low = integersAttr(attrs, 'padding_low', rank, 0);
  const high = integersAttr(attrs, 'padding_high', rank, 0);
  const dilation = dilated ? integersAttr(attrs, 'dilation', rank, 1) : spatial.map(() => 1);
  const at = (list: readonly number[], axis: number) => list[axis] ?? 1;

  const padded = spatial.map((extent, axis) => extent + at(low, axis) + at(high, axis));
  const reach = kernel.map((extent, axis) => (extent - 1) * at(dilation, axis) + 1);
  if (reach.some((extent, axis) => extent > at(padded, axis))) {
    const spread = dilation.some((d) => d > 1) ? ` (${times(reach)} with dilation ${times(dilation)})` : '';
    throw new OpTypeError(`kernel ${times(kernel)}${spread} is larger than the padded input ${times(padded)}`);
  }
  const output = padded.map((extent, axis) => Math.floor((extent - at(reach, axis)) / at(stride, axis)) + 1);
  return {
    rank,
    input: lift(spatial, 1),
    output: lift(output, 1),
    kernel: lift(kernel, 1),
    stride: lift(stride, 1),
    low: lift(low, 0),
    high: lift(high, 0),
    dilation: lift(dilation, 1),
  };
}

/** The output extents of the real axes. */
export function outputOf(window: Window): Shape {
  return window.output.slice(3 - window.rank);
}

/** Flat positions in a plane of the output, a plane of the input and the kernel, one of each per entry. */
export interface Taps {
  readonly length: number;
  readonly output: Int32Array;
  readonly input: Int32Array;
  readonly tap: Int32Array;
}

/** Every (output, kernel) pair that lies on a real input element; padding is left out. Row major by output, then kernel. */
export function tapsOf(window: Window): Taps {
  const [od, oh, ow] = window.output;
  const [kd, kh, kw] = window.kernel;
  const [id, ih, iw] = window.input;
  const [sd, sh, sw] = window.stride;
  const [ld, lh, lw] = window.low;
  const [dd, dh, dw] = window.dilation;
  const output: number[] = [];
  const input: number[] = [];
  const tap: number[] = [];
  for (let z = 0; z < od; z++) {
    for (let y = 0; y < oh; y++) {
      for (let x = 0; x < ow; x++) {
        for (let r = 0; r < kd; r++) {
          const d = z * sd - ld + r * dd;
          if (d < 0 || d >= id) continue;
          for (let s = 0; s < kh; s++) {
            const h = y * sh - lh + s * dh;
            if (h < 0 || h >= ih) continue;
            for (let t = 0; t < kw; t++) {
              const w = x * sw - lw + t * dw;
              if (w < 0 || w >= iw) continue;
              output.push((z * oh + y) * ow + x);
              input.push((d * ih + h) * iw + w);
              tap.push((r * kh + s) * kw + t);
            }
          }
        }
      }
    }
  }
  return {
    length: output.length,
    output: Int32Array.from(output),
    input: Int32Array.from(input),
    tap: Int32Array.from(tap),
  };
}

/** The window of a pooling: `kernel` is an attribute, and every window must hold at least one input element. */
export function poolWindow(spatial: Shape, attrs: Attrs): Window {
  const kernel = integersAttr(attrs, 'kernel', spatial.length, 1);
  const window = windowOf(spatial, kernel, attrs, false);
  for (let axis = 3 - window.rank; axis < 3; axis++) {
    const [extent = 1, reach = 1, low = 0, stride = 1, count = 1] = [
      window.input[axis],
      window.kernel[axis],
      window.low[axis],
      window.stride[axis],
      window.output[axis],
    ];
    if (low >= reach) {
      throw new OpTypeError(
        `padding ${low} is not smaller than the kernel ${reach}: the first window holds only padding`,
      );
    }
    const start = (count - 1) * stride - low;
    if (start >= extent) {
      throw new OpTypeError(`the last window starts at ${start}, behind the input's ${extent}: it holds only padding`);
    }
  }
  return window;
}
