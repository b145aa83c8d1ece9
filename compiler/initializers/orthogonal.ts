/** Random matrices with orthonormal rows or columns. */
import { elementCount } from '../ir/types';
import { numberOf } from '../layers/fields';
import { defineInitializer } from './define';
import { gain, normal } from './random';

export const orthogonal = defineInitializer({
  type: 'orthogonal',
  summary: 'A random matrix whose rows, or columns where there are fewer, are orthonormal (Saxe et al. 2014).',
  details:
    "PyTorch's `orthogonal_`: tensors of higher rank are taken for matrices [axis 0, everything else], and every such matrix is equally likely. Keras's Orthogonal is the same with everything else × the last axis.",
  example: '{type: orthogonal, gain: 1.414}',
  fields: { gain: gain('Factor on the orthonormal matrix.') },
  lower(context) {
    const { b, fields, shape, fail } = context;
    const [rows, ...others] = shape;
    if (rows === undefined || others.length === 0) {
      return fail(`is for tensors of rank 2 and more; this one is [${shape.join(', ')}]`);
    }
    const columns = elementCount(others);
    const tall = rows > columns;
    // Drawn as it is decomposed: the rows of the wide matrix.
    const drawn = normal({ ...context, shape: tall ? [columns, rows] : [rows, columns] }, 0, 1);
    const made = b.op('orthonormalize', [drawn]);
    const matrix = tall ? b.op('transpose', [made], { perm: [1, 0] }) : made;
    const scale = numberOf(fields, 'gain');
    const scaled = scale === 1 ? matrix : b.op('mul', [matrix, b.full(scale)]);
    return b.op('reshape', [scaled], { shape });
  },
});
