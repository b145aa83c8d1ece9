/** Masks of sequences of different lengths. */
import { defineLayer } from '../define';
import { numberOf, positive } from '../fields';
import { tableOf } from '../table';

export const sequenceMask = defineLayer({
  type: 'sequence_mask',
  summary: 'Tells the steps of a sequence from the padding behind it, by its length.',
  details:
    'Input: the lengths, int32 or int64 [N]; output bool [N, T], true at the steps before the length: a mask for attention layers. T is `length`, or axis 1 of a second input, of which only the shape matters. What Keras derives from `mask_zero` and PyTorch takes as `key_padding_mask` (true at the padding there).',
  example: '{name: real, type: sequence_mask, inputs: [lengths, steps]}',
  fields: { length: positive('The number of steps, where no second input says it.') },
  arity: [1, 2],
  lower(context, inputs) {
    const { b, fields } = context;
    const [lengths, like] = [inputs[0]!, inputs[1]];
    const { dtype, shape } = lengths.type;
    if (dtype !== 'i32' && dtype !== 'i64') context.mismatch('dtype', 'lengths are integers');
    if (shape.length !== 1) context.mismatch('shape', 'there is one length for each sample, [N]');
    const given = fields['length'] !== undefined;
    if (like && given) context.fail(['length'], 'the second input says how many steps there are');
    if (!like && !given) context.fail([], 'it needs `length`, or a second input to take it from');
    const steps = like ? like.type.shape[1] : numberOf(fields, 'length');
    if (steps === undefined) return context.mismatch('shape', 'the second input has its steps on axis 1');
    const places = b.constant(
      tableOf(steps, (i) => i),
      [1, steps],
      dtype,
    );
    return b.op('less', [places, b.op('reshape', [lengths], { shape: [shape[0] ?? 1, 1] })]);
  },
  samples: [
    { inputs: [{ shape: ['N'], dtype: 'int32', range: [0, 5] }, { shape: ['N', 5, 2] }], wrt: [] },
    { inputs: [{ shape: ['N'], dtype: 'int64', range: [0, 3] }], fields: { length: 3 } },
  ],
});
