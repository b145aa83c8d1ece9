/** Spatial pyramid pooling: the same number of features from images of any size. */
import type { Value } from '../../ir/graph';
import { elementCount } from '../../ir/types';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { numberOf, positive } from '../fields';
import { requireImages } from '../window';
import { ADAPTIVE } from './adaptive_pool';
import { tableOf } from '../table';

export const spatialPyramidPool = defineLayer({
  type: 'spatial_pyramid_pool',
  summary: 'Pools the image to 1×1, 2×2, 4×4, … and strings all of it together as features.',
  details: [
    'Input [N, C, H, W], output [N, C·(1 + 4 + … + 4^(height − 1))]: level by level, then by channel, then row by row (He et al., "Spatial pyramid pooling", 2014).',
    "With `windows: even` a level of n×n has the windows of the adaptive poolings. With `padded` it has those of Caffe's SPP: ⌈extent / n⌉ wide, with the padding that is missing on both sides, the larger half before; it counts in the averages. Where that is as wide as a window, Caffe stops, and this layer refuses.",
  ].join('\n\n'),
  example: '{name: pyramid, type: spatial_pyramid_pool, height: 3}',
  fields: {
    height: positive('Number of levels.', { maximum: 10 }),
    method: { description: 'What is taken of each window.', enum: ['max', 'average'], default: 'max' },
    windows: {
      description:
        'How a level is cut into windows: as evenly as it can be (`even`), or into equal ones over a padded image (`padded`; Caffe).',
      enum: ['even', 'padded'],
      default: 'even',
    },
  },
  required: ['height'],
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const x = inputs[0]!;
    const [batch] = requireImages(context, x);
    const method = fields['method'] === 'average' ? 'average' : 'max';
    const levels = tableOf(numberOf(fields, 'height'), (level) => {
      const count = 2 ** level;
      const pooled =
        fields['windows'] === 'padded'
          ? paddedLevel(context, x, count, method)
          : ADAPTIVE[method](context, x, [count, count]);
      return b.op('reshape', [pooled], { shape: [batch, elementCount(pooled.type.shape.slice(1))] });
    });
    return levels.length === 1 ? levels[0]! : b.op('concat', levels, { axis: 1 });
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 5, 7], separated: true }], fields: { height: 3 } },
    { inputs: [{ shape: ['N', 1, 4, 7] }], fields: { height: 3, method: 'average', windows: 'padded' } },
    { inputs: [{ shape: ['N', 2, 3, 3], separated: true }], fields: { height: 2, windows: 'padded' } },
    { inputs: [{ shape: ['N', 2, 3, 5] }], fields: { height: 1, method: 'average' } },
  ],
});

function paddedLevel(context: LowerContext, x: Value, count: number, method: 'max' | 'average'): Value {
  const { b } = context;
  const size = x.type.shape.slice(2);
  const kernel = size.map((extent) => Math.ceil(extent / count));
  const missing = size.map((extent, axis) => (kernel[axis] ?? 1) * count - extent);
  const padding_low = missing.map((n) => Math.ceil(n / 2));
  if (padding_low.some((low, axis) => low >= (kernel[axis] ?? 1))) {
    context.mismatch(
      'shape',
      `a window of its ${count}×${count} level, ${kernel.join('×')} large, would hold nothing but padding`,
      'use a lower `height`, or `windows: even`',
    );
  }
  const padding_high = missing.map((n) => Math.floor(n / 2));
  const attrs = { kernel, stride: kernel, padding_low, padding_high };
  if (method === 'max') return b.ops('max_pool', [x], attrs)[0]!;
  return b.op('avg_pool', [x], { ...attrs, overhang: [0, 0], count_include_pad: true });
}
