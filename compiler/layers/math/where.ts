/** A choice, element by element. */
import type { Value } from '../../ir/graph';
import { defineLayer } from '../define';
import { requireSameDtype, requireStretch } from '../merge/merge';
import { numberLike } from './comparisons';

export const where = defineLayer({
  type: 'where',
  summary: 'The second input where the first is true, the third, or a number, elsewhere.',
  details:
    "The first input is of type bool, the others of one element type. All have the same number of axes; extents of 1 are stretched. With `otherwise` it is PyTorch's masked_fill, the mask turned over: attention scores are masked with `otherwise: -1.0e9`.",
  example: '{name: masked, type: where, inputs: [mask, scores], otherwise: -1.0e9}',
  fields: {
    otherwise: {
      description: 'What stands where the first input is false; in place of a third input.',
      type: 'number',
    },
  },
  samples: [
    { inputs: [{ shape: ['N', 1, 5], dtype: 'bool' }, { shape: ['N', 3, 5] }], fields: { otherwise: -2 } },
    { inputs: [{ shape: ['N', 3], dtype: 'bool' }, { shape: ['N', 3] }, { shape: ['N', 1] }] },
    {
      inputs: [
        { shape: ['N', 3], dtype: 'bool' },
        { shape: ['N', 3], dtype: 'int32' },
      ],
      fields: { otherwise: 7 },
    },
  ],
  arity: [2, 3],
  lower(context, inputs) {
    const [condition, yes, no] = inputs as readonly [Value, Value, Value?];
    if (condition.type.dtype !== 'bool') {
      context.mismatch('dtype', 'its first input must be of type bool', 'a comparison such as `greater` makes bools');
    }
    requireStretch(context, inputs);
    const given = context.fields['otherwise'] !== undefined;
    if (no && given) context.fail(['otherwise'], 'a number has no effect where there is a third input');
    if (!no && !given) context.fail([], 'it needs `otherwise`, or a third input');
    if (no) requireSameDtype(context, [yes, no]);
    return context.b.op('where', [condition, yes, no ?? numberLike(context, yes, 'otherwise')]);
  },
});
