/** Layers that look up: slices or single elements of a tensor, by indices. */
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { axisField, isNumbers } from '../fields';
import { batchDims, batchDimsOf, requireIndices } from './indices';

const OUTSIDE = 'An index outside 0 … n − 1 stops the run with its position; negative ones do not count from the end.';

export const gather = defineLayer({
  type: 'gather',
  summary: 'Takes slices of the first input along an axis, by the indices in the second.',
  details: [
    'With x [N, T, C] and indices [N, K], `axis: 1` gives [N, K, C]: output[n, k] = x[n, indices[n, k]]. In general the axis is replaced by the axes of the indices after the shared ones. The indices are int32 or int64. ' +
      OUTSIDE,
    "With `indices` as a list there is one input, and all samples have the same: `index_select` of PyTorch, `take` of Keras. `tf.gather` is this with its `batch_dims` of 0 by default, which makes [N, K] of [N] and [N, K]; here the batch is shared unless told. PyTorch's `gather` is `gather_elements`.",
  ].join('\n\n'),
  example: '{name: picked, type: gather, inputs: [features, positions]}',
  fields: {
    axis: axisField('The axis that is indexed.', 1),
    batch_dims: { ...batchDims, description: `${batchDims.description} Default: 1.` },
    indices: {
      description: 'Indices that are the same for every sample, instead of a second input.',
      type: 'array',
      items: { type: 'integer', minimum: 0 },
      minItems: 1,
    },
  },
  arity: [1, 2],
  lower(context, inputs) {
    const { b, fields } = context;
    const [x, given] = [inputs[0]!, inputs[1]];
    const axis = axisOf(context, x);
    const list = fields['indices'];
    if (isNumbers(list)) {
      if (given) context.fail(['indices'], 'the indices are given twice, as a list and as the second input');
      if (fields['batch_dims'] !== undefined) {
        context.fail(['batch_dims'], 'a list of indices is the same for every sample');
      }
      const extent = x.type.shape[axis] ?? 1;
      const stray = list.findIndex((index) => index >= extent);
      if (stray >= 0)
        context.fail(['indices', stray], `axis ${axis} has ${extent} elements, and no index ${list[stray]}`);
      return b.op('gather', [x, b.constant(list, [list.length], 'i32')], { axis, batch_dims: 0 });
    }
    if (!given) return context.fail(['indices'], 'it needs indices: a second input, or a list in `indices`');
    requireIndices(context, given);
    return b.op('gather', [x, given], { axis, batch_dims: batchDimsOf(context, x, given, axis) });
  },
  samples: [
    { inputs: [{ shape: ['N', 5, 3] }, { shape: ['N', 7], dtype: 'int32', range: [0, 4] }] },
    {
      name: 'one table for all',
      inputs: [{ shape: [5, 3] }, { shape: ['N', 2], dtype: 'int64', range: [0, 4] }],
      fields: { axis: 0, batch_dims: 0 },
      modes: ['predict'],
    },
    {
      name: 'an axis further in, integers',
      inputs: [
        { shape: ['N', 2, 5], dtype: 'int32', range: [-9, 9] },
        { shape: ['N', 3], dtype: 'int32', range: [0, 4] },
      ],
      fields: { axis: -1 },
    },
    { name: 'a list', inputs: [{ shape: ['N', 5] }], fields: { indices: [4, 0, 4] } },
  ],
});

export const gatherElements = defineLayer({
  type: 'gather_elements',
  summary: 'Takes one element of the first input for each index in the second.',
  details:
    "output[n, k, …] = x[n, indices[n, k, …], …], the index standing on `axis`: `gather` of PyTorch, `take_along_axis` of NumPy and Keras. The inputs have the same shape but for the axis; the output has that of the indices, int32 or int64. PyTorch's `gather` also takes indices that are smaller along other axes: `slice` x first. " +
    OUTSIDE,
  example: '{name: chosen, type: gather_elements, inputs: [scores, order]}',
  fields: { axis: axisField('The axis that is indexed.', 1) },
  arity: [2, 2],
  lower(context, inputs) {
    const [x, indices] = [inputs[0]!, inputs[1]!];
    requireIndices(context, indices);
    const axis = axisOf(context, x);
    const { shape } = x.type;
    const own = indices.type.shape;
    if (own.length !== shape.length || own.some((extent, i) => i !== axis && extent !== shape[i])) {
      context.mismatch('shape', `the inputs have to agree outside of axis ${axis}`);
    }
    return context.b.op('gather_elements', [x, indices], { axis });
  },
  samples: [
    { inputs: [{ shape: ['N', 5] }, { shape: ['N', 3], dtype: 'int32', range: [0, 4] }] },
    {
      name: 'an axis within',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 5, 2], dtype: 'int64', range: [0, 2] }],
    },
    {
      name: 'bools along the last axis',
      inputs: [
        { shape: ['N', 3, 5], dtype: 'bool' },
        { shape: ['N', 3, 1], dtype: 'int32', range: [0, 4] },
      ],
      fields: { axis: -1 },
    },
  ],
});
