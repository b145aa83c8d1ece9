/** Finds the padding of sequences by its value. */
import { flagOf, flag, numberOf } from '../fields';
import { defineLayer } from '../define';
import { requireFloat } from '../window';

export const masking = defineLayer({
  type: 'masking',
  summary: 'Tells which steps of a sequence are padding: those whose features all have one value.',
  details:
    "Input [N, T, ...]. Output: the input with zeros at those steps; `name.mask`, bool [N, T], is true at the others: the `mask` of recurrent layers (`inputs: [m, m.mask], extra_inputs: [mask]`) and of attention. Keras's Masking hands its mask on unseen; here every layer that is to heed it says so. `sequence_mask` makes one of lengths.",
  example: '{name: m, type: masking, value: -1}',
  fields: {
    value: { description: 'What all features of a padded step are.', type: 'number', default: 0 },
    zero: flag('Sets padded steps to 0 (Keras); with false the input is handed on as it is.', true),
  },
  arity: [1, 1],
  outputs: ['mask'],
  lower(context, inputs) {
    const { b, fields } = context;
    const x = inputs[0]!;
    requireFloat(context, x);
    const { shape } = x.type;
    if (shape.length < 3) return context.mismatch('shape', 'it needs sequences [N, T, C, ...]');
    const value = numberOf(fields, 'value');
    if (value === 0 && !flagOf(fields, 'zero')) {
      const hint = 'leave `zero` out';
      context.fail(['zero'], 'steps of `value: 0` are zeros already', hint);
    }
    const differs = b.op('cast', [b.op('not_equal', [x, b.full(Math.fround(value))])], { dtype: 'f32' });
    const axes = shape.map((_, axis) => axis).slice(2);
    const any = b.op('greater', [b.op('reduce_max', [differs], { axes, keepdims: true }), b.full(0)]);
    const mask = b.op('reshape', [any], { shape: shape.slice(0, 2) });
    return [flagOf(fields, 'zero') && value !== 0 ? b.op('where', [any, x, b.full(0)]) : x, mask];
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 2] }] },
    {
      inputs: [{ shape: ['N', 5, 2], values: [-1, -1, -1, 0.5, 2, 3, -1, 1, -1, -1] }],
      fields: { value: -1 },
      wrt: [],
    },
    { inputs: [{ shape: ['N', 3, 2, 2] }], fields: { value: 0.5, zero: false } },
  ],
});
