/** Samples of the batch in another order, some several times. */
import { defineLayer } from '../define';

export const batchReindex = defineLayer({
  type: 'batch_reindex',
  summary: 'Takes samples of the first input by the indices in the second one.',
  details:
    "Input [N, …] and indices [M], of integers from 0 to N − 1: [M, …], sample m being the one that index m names. BatchReindex of Caffe; the gradient of a sample is the sum over the places it went to. An index outside of the batch is a data error. Caffe's Filter, whose result has as many samples as the data says, has no place in a graph of fixed shapes: multiply by a mask instead.",
  example: '{name: chosen, type: batch_reindex, inputs: [features, picks]}',
  fields: {},
  arity: [2, 2],
  lower(context, inputs) {
    const [input, indices] = [inputs[0]!, inputs[1]!];
    if (input.type.shape.length === 0) context.mismatch('shape', 'a single number has no batch');
    if (indices.type.shape.length !== 1) context.mismatch('shape', 'the indices are a list, of shape [M]');
    if (indices.type.dtype !== 'i32' && indices.type.dtype !== 'i64') {
      context.mismatch('dtype', 'the indices have to be integers');
    }
    return context.b.op('gather', [input, indices], { axis: 0, batch_dims: 0 });
  },
  samples: [
    { inputs: [{ shape: [3, 2, 5] }, { shape: ['N'], dtype: 'int32', range: [0, 2] }], modes: ['predict'] },
    { name: 'of a batch', inputs: [{ shape: ['N', 3] }, { shape: ['N'], dtype: 'int64', values: [0] }] },
  ],
});
