/**
 * Initializers with ones on a diagonal, or the same picture in every filter: identity, dirac, bilinear. Diagonals are made
 * by padding: elements of a flat tensor at equal distances, so that the plan carries a handful of numbers.
 */
import type { Value } from '../ir/graph';
import { elementCount } from '../ir/types';
import { numberOf } from '../layers/fields';
import { defineInitializer, type InitContext } from './define';
import { gain } from './random';
import { tableOf } from '../layers/table';

/** `count` times `value` at `first`, `first + distance`, …, in a flat tensor of `size` elements. */
function spaced(
  { b }: InitContext,
  value: number,
  count: number,
  first: number,
  distance: number,
  size: number,
): Value {
  const ones = b.op('broadcast_to', [b.full(value)], { shape: [count] });
  const last = first + (count - 1) * distance;
  return b.op('pad', [ones], { low: [first], high: [size - 1 - last], interior: [distance - 1], value: 0 });
}

export const identity = defineInitializer({
  type: 'identity',
  summary: 'A matrix with `gain` on the diagonal and 0 elsewhere.',
  details: "Keras's Identity and PyTorch's `eye_`; a matrix that is not square has as many ones as its shorter side.",
  example: '{type: identity}',
  fields: { gain: gain('What is on the diagonal.') },
  lower(context) {
    const { b, fields, shape, fail } = context;
    const [rows, columns] = shape;
    if (rows === undefined || columns === undefined || shape.length !== 2) {
      return fail(`is for matrices; this tensor is [${shape.join(', ')}]`);
    }
    const count = Math.min(rows, columns);
    const flat = spaced(context, numberOf(fields, 'gain'), count, 0, columns + 1, rows * columns);
    return b.op('reshape', [flat], { shape });
  },
});

export const dirac = defineInitializer({
  type: 'dirac',
  summary: 'Convolutions that hand their input channels on as they are.',
  details:
    "PyTorch's `dirac_`: weight [K, C/groups, …] with 1 at the centre of filter d of each group for channel d, as far as there are filters and channels.",
  example: '{type: dirac}',
  fields: {
    groups: { description: 'Groups of the convolution.', type: 'integer', minimum: 1, default: 1 },
  },
  lower(context) {
    const { b, fields, shape, fail } = context;
    const [units = 1, channels = 1, ...window] = shape;
    const groups = numberOf(fields, 'groups');
    if (window.length < 1) return fail(`is for filters of convolutions; this tensor is [${shape.join(', ')}]`);
    if (units % groups !== 0) return fail(`has ${groups} groups, which do not divide ${units} filters`);
    const taps = elementCount(window);
    const centre = window.reduce((at, extent) => at * extent + Math.floor(extent / 2), 0);
    const own = units / groups;
    const count = Math.min(own, channels);
    const group = spaced(context, 1, count, centre, (channels + 1) * taps, own * channels * taps);
    const all = b.op('broadcast_to', [group], { shape: [groups, own * channels * taps] });
    return b.op('reshape', [all], { shape });
  },
});

export const bilinear = defineInitializer({
  type: 'bilinear',
  summary: "Filters that interpolate between pixels, for transposed convolutions: Caffe's bilinear filler.",
  details:
    'Every filter of [K, C, S, S] is (1 − |x/f − c|)(1 − |y/f − c|) with f = ⌈S/2⌉ and c = (2f − 1 − f mod 2) / (2f). Enlarging by f takes `kernel: 2f − f mod 2, stride: f, padding: ⌈(f − 1)/2⌉` and as many groups as channels; with fewer groups every output sums all channels.',
  example: '{type: bilinear}',
  fields: {},
  lower(context) {
    const { b, shape, fail } = context;
    const [, , height, width] = shape;
    if (shape.length !== 4 || height === undefined || height !== width) {
      return fail(`is for square filters [K, C, S, S]; this tensor is [${shape.join(', ')}]`);
    }
    const f = Math.ceil(width / 2);
    const c = (2 * f - 1 - (f % 2)) / (2 * f);
    const line = tableOf(width, (i) => 1 - Math.abs(i / f - c));
    const picture = line.flatMap((y) => line.map((x) => x * y));
    return b.op('broadcast_to', [b.constant(picture, [height, width])], { shape });
  },
});
