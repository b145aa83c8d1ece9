/** What the windowed poolings of one to three axes share: their fields, and the windows these describe. */
import type { FieldSchema, Sample } from '../../frontend/describe';
import type { Fields } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import type { LowerContext } from '../define';
import { flag, flagOf } from '../fields';
import type { Rank, Window } from '../window';
import { ceilOverhang, paddingOver, perAxis, perAxisOf, requireSpatial, SPATIAL, windowOf } from '../window';

export function poolingFields(rank: Rank): Record<'kernel' | 'stride' | 'padding' | 'ceil_mode', FieldSchema> {
  return {
    kernel: perAxis(rank, 'Size of the window.'),
    stride: perAxis(rank, 'Distance between neighbouring windows; the size of the window unless said.'),
    padding: paddingOver(rank),
    ceil_mode: flag(
      'Rounds the number of windows up instead of down, so that the last ones may hang over the edge (the way of Caffe).',
      false,
    ),
  };
}

export interface Pooling {
  /** Of the `max_pool` op; `avg_pool` takes more. */
  readonly attrs: {
    readonly kernel: readonly number[];
    readonly stride: readonly number[];
    readonly padding_low: readonly number[];
    readonly padding_high: readonly number[];
  };
  /** How much of padding_high is there for ceil_mode alone. */
  readonly overhang: readonly number[];
}

export function poolingOf(context: LowerContext, input: Value, rank: Rank): Pooling {
  const { size } = requireSpatial(context, input, rank);
  const window = windowOf(context, size, perAxisOf(context.fields, 'kernel', rank));
  requireSomething(context, window);
  const { kernel, stride, low, high } = window;
  const overhang = flagOf(context.fields, 'ceil_mode') ? ceilOverhang(size, window) : size.map(() => 0);
  const padding_high = high.map((h, axis) => h + (overhang[axis] ?? 0));
  return { attrs: { kernel, stride, padding_low: low, padding_high }, overhang };
}

/** Refuses padding so wide that a window holds nothing else. */
function requireSomething(context: LowerContext, { kernel, low, high }: Window): void {
  const widest = kernel.map((_, axis) => Math.max(low[axis] ?? 0, high[axis] ?? 0));
  if (kernel.some((k, axis) => (widest[axis] ?? 0) >= k)) {
    context.fail(
      ['padding'],
      `padding of ${widest.join('×')} leaves windows of ${kernel.join('×')} with nothing but padding in them`,
      'pad by less than the kernel',
    );
  }
}

/** The shapes of a windowed pooling, for the `details` of a layer. */
export function pooledText(rank: Rank): string {
  const { layout, extents } = SPATIAL[rank];
  const first = extents[0] ?? '';
  const outputs = extents
    .split(', ')
    .map((letter) => `${letter}′`)
    .join(', ');
  return `Input ${layout}, output [N, C, ${outputs}] with ${first}′ = ⌊(${first} + padding − kernel) / stride⌋ + 1, rounded up with \`ceil_mode\`, alike on every axis; a window that would start in the padding at the end is dropped.`;
}

/** For samples: small, as finite differences run on them. */
const SHAPES = { 1: ['N', 2, 7], 2: ['N', 2, 5, 4], 3: ['N', 1, 3, 3, 4] } as const;

/** A sample on a small input; `separated` where the maximum of a window decides. */
export function sampleOn(rank: Rank, fields: Fields, separated: boolean): Sample {
  return { inputs: [{ shape: SHAPES[rank], ...(separated ? { separated } : {}) }], fields };
}
