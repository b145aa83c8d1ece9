/** Average pooling over windows: one `avg_pool` op. */
import type { LayerDef } from '../define';
import { defineLayer } from '../define';
import type { Rank } from '../window';
import { pooledText, poolingFields, poolingOf, sampleOn } from './pooling';

function defineAvgPool(rank: Rank): LayerDef {
  const type = `avg_pool${rank}d`;
  return defineLayer({
    type,
    summary: 'The mean of each window.',
    details: [
      pooledText(rank),
      'What a sum is divided by: with `count_include_pad` the elements of the window and of the padding in it, but never what hangs over the padding because of `ceil_mode` (Caffe, and PyTorch unless told otherwise); without it the elements of the window that are in the input (Keras); with `divisor` always that number (the `divisor_override` of PyTorch).',
    ].join('\n\n'),
    example: `{name: pool3, type: ${type}, kernel: 3, stride: 2, ceil_mode: true}`,
    fields: {
      ...poolingFields(rank),
      count_include_pad: {
        description: 'Counts the padding in the divisor, as PyTorch and Caffe; Keras does not. True unless said.',
        type: 'boolean',
      },
      divisor: {
        description: 'What the sum of each window is divided by, in place of the number of its elements.',
        type: 'number',
        exclusiveMinimum: 0,
      },
    },
    required: ['kernel'],
    arity: [1, 1],
    activates: true,
    lower(context, inputs) {
      const { attrs, overhang } = poolingOf(context, inputs[0]!, rank);
      const { divisor, count_include_pad = true } = context.fields;
      if (divisor !== undefined && context.fields['count_include_pad'] !== undefined) {
        context.fail(['count_include_pad'], 'nothing is counted, as `divisor` says what to divide by', 'leave one out');
      }
      const all = { ...attrs, overhang, count_include_pad: count_include_pad === true };
      return context.b.op('avg_pool', inputs, typeof divisor === 'number' ? { ...all, divisor } : all);
    },
    samples: [
      sampleOn(rank, { kernel: 3, stride: 2, ceil_mode: true }, false),
      sampleOn(rank, { kernel: 3, stride: 2, padding: 1, ceil_mode: true }, false),
      sampleOn(rank, { kernel: 2, padding: 'same', count_include_pad: false }, false),
      sampleOn(rank, { kernel: 2, stride: 1, padding: 1, divisor: 2.5 }, false),
    ],
  });
}

export const avgPool1d = defineAvgPool(1);
export const avgPool2d = defineAvgPool(2);
export const avgPool3d = defineAvgPool(3);
