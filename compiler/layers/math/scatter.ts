/** Layers that write: slices or single elements added to zeros where indices say. */
import { axisOf } from '../axis';
import { defineLayer, type LowerContext } from '../define';
import type { Value } from '../../ir/graph';
import { axisField, numberOf, positive } from '../fields';
import { requireFloat } from '../window';
import { batchDims, batchDimsOf, checkedIndices, requireIndices } from './indices';

const MEETING =
  'What goes to one place is added up, in order, so that the sum is the same every time; an index outside 0 … size − 1 stops the run with its position.';

function operandsOf(context: LowerContext, inputs: readonly Value[]): { updates: Value; indices: Value; size: number } {
  const [updates, indices] = [inputs[0]!, inputs[1]!];
  requireFloat(context, updates);
  requireIndices(context, indices);
  const size = numberOf(context.fields, 'size');
  return { updates, indices: checkedIndices(context, indices, size), size };
}

export const scatter = defineLayer({
  type: 'scatter',
  summary: 'Adds slices of the first input to zeros, at the indices in the second.',
  details:
    'With updates [N, K, C] and indices [N, K], `size: T` gives [N, T, C]: output[n, indices[n, k]] += updates[n, k], zeros elsewhere; what `gather` took goes back where it was. ' +
    MEETING +
    ' `segment_sum` of Keras and TensorFlow, `index_add` of PyTorch; with `batch_dims: 0` for all samples together, as where points fall into one grid.',
  example: '{name: summed, type: scatter, inputs: [values, places], size: 10}',
  fields: {
    size: positive('Extent of the axis that is written to.'),
    axis: axisField('The axis that is written to: where the axes of the indices begin, after the shared ones.', 1),
    batch_dims: { ...batchDims, default: 1 },
  },
  required: ['size'],
  arity: [2, 2],
  lower(context, inputs) {
    const { updates, indices, size } = operandsOf(context, inputs);
    const axis = axisOf(context, updates);
    const shared = batchDimsOf(context, updates, indices, axis);
    const own = indices.type.shape.slice(shared);
    const held = updates.type.shape.slice(axis, axis + own.length);
    if (own.length === 0) context.mismatch('shape', 'the indices have no axis beside those of the batch');
    if (held.length !== own.length || own.some((extent, i) => extent !== held[i])) {
      context.mismatch(
        'shape',
        `the updates have to have the axes [${own.join(', ')}] of the indices from axis ${axis} on`,
      );
    }
    return context.b.op('scatter_add', [indices, updates], { axis, batch_dims: shared, size });
  },
  samples: [
    { inputs: [{ shape: ['N', 5, 3] }, { shape: ['N', 5], dtype: 'int32', range: [0, 9] }], fields: { size: 10 } },
    {
      name: 'one grid for all',
      inputs: [{ shape: ['N', 3] }, { shape: ['N'], dtype: 'int64', range: [0, 4] }],
      fields: { size: 5, axis: 0, batch_dims: 0 },
    },
    {
      name: 'indices of two axes',
      inputs: [{ shape: ['N', 2, 3, 2] }, { shape: ['N', 2, 3], dtype: 'int32', range: [0, 2] }],
      fields: { size: 3 },
    },
  ],
});

export const scatterElements = defineLayer({
  type: 'scatter_elements',
  summary: 'Adds each element of the first input to zeros, at its index in the second.',
  details:
    'output[n, indices[n, k, …], …] += updates[n, k, …], the index standing on `axis`: `scatter_add` of PyTorch into zeros. Both inputs have one shape. ' +
    MEETING,
  example: '{name: votes, type: scatter_elements, inputs: [weights, classes], size: 10}',
  fields: {
    size: positive('Extent of the axis that is written to.'),
    axis: axisField('The axis that is written to.', 1),
  },
  required: ['size'],
  arity: [2, 2],
  lower(context, inputs) {
    const { updates, indices, size } = operandsOf(context, inputs);
    const axis = axisOf(context, updates);
    const { shape } = updates.type;
    if (shape.length !== indices.type.shape.length || shape.some((extent, i) => extent !== indices.type.shape[i])) {
      context.mismatch('shape', 'the inputs have to have one shape');
    }
    return context.b.op('scatter_elements_add', [indices, updates], { axis, size });
  },
  samples: [
    { inputs: [{ shape: ['N', 5] }, { shape: ['N', 5], dtype: 'int32', range: [0, 9] }], fields: { size: 10 } },
    {
      name: 'the batch axis',
      inputs: [{ shape: ['N', 3] }, { shape: ['N', 3], dtype: 'int64', range: [0, 1] }],
      fields: { size: 2, axis: 0 },
    },
  ],
});
