/** Conversion to another element type. */
import { DTYPE_WORDS } from '../../frontend/language';
import { defineLayer } from '../define';
import { wordOf } from '../fields';

/** Those that kernels compute with. */
const WORDS = ['float32', 'int32', 'int64', 'uint8', 'bool'] as const;

export const cast = defineLayer({
  type: 'cast',
  summary: 'Converts the elements to another type.',
  details:
    'To integers numbers are cut off towards 0 and held at the ends of the range, NaN becomes 0; to bool all but 0 is true; bools become 0 and 1. Gradients pass between floating-point types alone.',
  example: '{name: pixels, type: cast, dtype: float32}',
  fields: { dtype: { description: 'Type of the result.', enum: [...WORDS] } },
  required: ['dtype'],
  samples: [
    { inputs: [{ shape: ['N', 5], dtype: 'uint8', range: [0, 255] }], fields: { dtype: 'float32' } },
    { inputs: [{ shape: ['N', 5], dtype: 'bool' }], fields: { dtype: 'float32' } },
    { inputs: [{ shape: ['N', 5], range: [-4, 4], separated: true }], fields: { dtype: 'int32' }, wrt: [] },
    { inputs: [{ shape: ['N', 3], values: [0, 0.5, -2] }], fields: { dtype: 'bool' }, wrt: [] },
    { inputs: [{ shape: ['N', 3] }], fields: { dtype: 'float32' } },
    { inputs: [{ shape: ['N', 3], dtype: 'int32', range: [-3, 9] }], fields: { dtype: 'int64' } },
    { inputs: [{ shape: ['N', 3], dtype: 'int32', range: [-3, 9] }], fields: { dtype: 'uint8' } },
  ],
  arity: [1, 1],
  lower(context, inputs) {
    const x = inputs[0]!;
    const dtype = DTYPE_WORDS[wordOf(context.fields, 'dtype')] ?? x.type.dtype;
    return x.type.dtype === dtype ? x : context.b.op('cast', [x], { dtype });
  },
});
