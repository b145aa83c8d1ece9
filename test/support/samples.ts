/**
 * Inputs for the samples in the ops' definitions: drawn from a seed by a small generator of its own, so that a failing
 * sample fails again. Floating-point values are rounded to
 * float32 (bf16 to bfloat16), which lets native kernels start from the same bits.
 */
import { toBfloat16 } from '../../compiler/ir/bfloat16';
import { elementCount, isFloat, type TensorType } from '../../compiler/ir/types';
import type { OpSample, RefTensor } from '../../compiler/ops/define';
import { ELEMENTWISE } from '../../compiler/ops/elementwise/index';
import { OPS } from '../../compiler/ops/index';
import type { OpDef } from '../../compiler/ops/define';

/** Uniform numbers in [0, 1): mulberry-like mixing of a counter, 32 bits. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
}

export function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}

function rangeOf(sample: OpSample, input: number): readonly [number, number] {
  const { range } = sample;
  if (!range) return [-1, 1];
  const [first, second] = range;
  if (typeof first === 'number' && typeof second === 'number') return [first, second];
  const own = range[input];
  return own === undefined || typeof own === 'number' ? [-1, 1] : own;
}

/** Where in its cell a separated value lies: off the middle, so that none of an odd number is 0 or another kink. */
const OFF_GRID = 0.3;

/** One tensor for each input of the sample. */
export function sampleInputs(sample: OpSample, seed = 1): RefTensor[] {
  const random = generator(seed);
  const total = sample.inputs.reduce((sum, type) => sum + elementCount(type.shape), 0);
  const ranks = sample.separated ? shuffled(total, random) : undefined;
  let drawn = 0;
  return sample.inputs.map((type, k) => {
    const [low, high] = rangeOf(sample, k);
    const literal = sample.values?.[k];
    const data = new Float64Array(elementCount(type.shape));
    for (let i = 0; i < data.length; i++, drawn++) {
      const u = ranks ? ((ranks[drawn] ?? 0) + OFF_GRID) / total : random();
      data[i] = literal ? given(literal[i] ?? NaN, type) : valueAt(u, low, high, type);
    }
    return { type, data };
  });
}

function given(x: number, { dtype }: TensorType): number {
  return dtype === 'f32' ? Math.fround(x) : dtype === 'bf16' ? toBfloat16(x) : x;
}

function valueAt(u: number, low: number, high: number, { dtype }: TensorType): number {
  if (dtype === 'bool') return u < 0.5 ? 0 : 1;
  if (dtype === 'bf16') return toBfloat16(low + (high - low) * u);
  if (isFloat(dtype)) return Math.fround(low + (high - low) * u);
  return Math.floor(low + (high - low + 1) * u);
}

/** Every op with its samples, for `test.each`. */
export function allOps(): [string, OpDef][] {
  return Object.entries<OpDef>(OPS);
}

export function sampleTitle(sample: OpSample): string {
  const shapes = sample.inputs.map((type) => `${type.dtype}[${type.shape.join(',')}]`).join(' ');
  return sample.name ?? `${shapes} ${JSON.stringify(sample.attrs ?? {})}`;
}

export function isElementwise(name: string): boolean {
  return Object.hasOwn(ELEMENTWISE, name);
}
