/** Puts in an axis of extent 1: a view. */
import { resolveAxis } from '../axis';
import { defineLayer } from '../define';
import { axisField, numberOf } from '../fields';
import { expandAt } from './pieces';

export const expandDims = defineLayer({
  type: 'expand_dims',
  summary: 'Puts in an axis of extent 1.',
  details:
    '[N, T] becomes [N, T, 1] with `axis: -1`, [N, 1, T] with `axis: 1`. The same as `unsqueeze` of PyTorch and `expand_dims` of Keras.',
  example: '{name: column, type: expand_dims, axis: -1}',
  fields: { axis: axisField('Where the new axis stands in the output.', -1) },
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const places = [...input.type.shape, 1];
    const axis = resolveAxis(context, numberOf(context.fields, 'axis'), places, ['axis'], 0, 'output');
    return expandAt(context.b, input, axis);
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }] },
    { name: 'in the middle', inputs: [{ shape: ['N', 5] }], fields: { axis: 1 } },
    { name: 'before the batch', inputs: [{ shape: ['N', 3], dtype: 'int32' }], fields: { axis: 0 } },
  ],
});
