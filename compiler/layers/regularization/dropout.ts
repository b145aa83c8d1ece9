/** Dropout: one random op in training, nothing elsewhere. */
import { sameShape } from '../../ir/types';
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { requireFloat } from '../window';
import { alwaysField, draws, maskShape, rateField, scaledMask, sharedAxesField } from './masks';

export const dropout = defineLayer({
  type: 'dropout',
  summary: 'Sets a share of the elements to 0 in training and scales the rest up; passes everything on elsewhere.',
  details:
    "What is kept is multiplied by 1 / (1 − rate), so that the mean stays the same (Srivastava et al. 2014, in the inverted form of Caffe, Keras and PyTorch). Keras's `noise_shape` with ones on some axes is `shared_axes` with these axes; whole channels are dropped by `spatial_dropout2d`, whole samples of a residual branch by `drop_path`.",
  example: '{name: drop, type: dropout, rate: 0.5}',
  fields: { rate: rateField('Share of the elements set to 0.'), shared_axes: sharedAxesField, always: alwaysField },
  arity: [1, 1],
  lower(context, inputs) {
    const { b } = context;
    const input = inputs[0]!;
    requireFloat(context, input);
    const rate = numberOf(context.fields, 'rate');
    const shape = maskShape(context, input);
    if (!draws(context) || rate === 0) return input;
    if (!sameShape(shape, input.type.shape)) return b.op('mul', [input, scaledMask(context, shape, rate)]);
    return b.op('dropout', [input, context.rng()], { rate, stream: context.stream('dropout') });
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }], fields: { rate: 0.5 } },
    { name: 'rows at once', inputs: [{ shape: ['N', 5, 3] }], fields: { rate: 0.3, shared_axes: [1] } },
    { name: 'always', inputs: [{ shape: ['N', 7] }], fields: { rate: 0.25, always: true } },
    { name: 'nothing', inputs: [{ shape: ['N', 3] }], fields: { rate: 0 } },
  ],
});
