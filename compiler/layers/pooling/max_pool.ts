/** Max pooling over windows: one `max_pool` op, whose second output says where each maximum stood. */
import type { LayerDef } from '../define';
import { defineLayer } from '../define';
import type { Rank } from '../window';
import { pooledText, poolingFields, poolingOf, sampleOn } from './pooling';

const FLAT = { 1: 'l', 2: 'h·W + w', 3: '(d·H + h)·W + w' } as const;

function defineMaxPool(rank: Rank): LayerDef {
  const type = `max_pool${rank}d`;
  return defineLayer({
    type,
    summary: 'The maximum of each window.',
    details: [
      pooledText(rank),
      'Padding never wins, a NaN always does. The gradient goes to the first of equal maxima.',
      `The second output, \`<name>.index\`, is of the output's shape and of int32: where in its channel's input each maximum stands, as ${FLAT[rank]}. It is PyTorch's \`return_indices\` and the second top of Caffe's layer (there as floats), and what \`max_unpool${rank}d\` takes.`,
      'Caffe rounds up (`ceil_mode: true`), PyTorch and Keras down. `padding: same` is that of TensorFlow and Keras.',
    ].join('\n\n'),
    example: `{name: pool1, type: ${type}, kernel: 2}`,
    fields: poolingFields(rank),
    required: ['kernel'],
    arity: [1, 1],
    activates: true,
    outputs: ['index'],
    lower: (context, inputs) => context.b.ops('max_pool', inputs, { ...poolingOf(context, inputs[0]!, rank).attrs }),
    samples: [
      sampleOn(rank, { kernel: 2 }, true),
      sampleOn(rank, { kernel: 3, stride: 2, padding: 1, ceil_mode: true }, true),
      sampleOn(rank, { kernel: 2, stride: 1, padding: 'same' }, true),
    ],
  });
}

export const maxPool1d = defineMaxPool(1);
export const maxPool2d = defineMaxPool(2);
export const maxPool3d = defineMaxPool(3);
