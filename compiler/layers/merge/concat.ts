/** Joins tensors along an axis. */
import { axisOf } from '../axis';
import { MANY, defineLayer } from '../define';
import { axisField } from '../fields';

export const concat = defineLayer({
  type: 'concat',
  summary: 'Joins the inputs along one axis, in order.',
  details: 'All other axes must agree. The default axis 1 joins channels.',
  example: '{name: joined, type: concat, inputs: [branch1, branch2]}',
  fields: { axis: axisField('The axis to join along.', 1) },
  samples: [
    { inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 1, 2] }] },
    { inputs: [{ shape: ['N', 2] }, { shape: ['N', 3] }, { shape: ['N', 2] }], fields: { axis: -1 } },
    { inputs: [{ shape: ['N', 3] }] },
    {
      inputs: [
        { shape: ['N', 3], dtype: 'int32' },
        { shape: ['N', 2], dtype: 'int32' },
      ],
    },
  ],
  arity: [1, MANY],
  activates: true,
  lower(context, inputs) {
    const first = inputs[0]!;
    const axis = axisOf(context, first);
    const { dtype, shape } = first.type;
    for (const { type } of inputs) {
      if (type.dtype !== dtype) {
        context.mismatch('dtype', 'the inputs have different element types');
      }
      if (type.shape.length !== shape.length || type.shape.some((extent, i) => i !== axis && extent !== shape[i])) {
        context.mismatch('shape', `the inputs differ outside of axis ${axis}, along which they are joined`);
      }
    }
    return inputs.length === 1 ? first : context.b.op('concat', inputs, { axis });
  },
});
