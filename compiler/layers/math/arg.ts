/** Where the largest and the smallest lie. */
import type { Value } from '../../ir/graph';
import { axisOf } from '../axis';
import type { LayerDef } from '../define';
import { defineLayer } from '../define';
import { axisField, flag, flagOf } from '../fields';
import { requireNumbers } from '../merge/merge';

function search(type: string, which: string, turned: boolean): LayerDef {
  return defineLayer({
    type,
    summary: `The index of the ${which} element along an axis, of equals the first.`,
    details:
      'int32, and nothing is differentiated. Several, or their values too, are for `top_k`. Keras and PyTorch search the flattened input unless told an axis; here it is axis 1, where classes are.',
    example: `{name: best, type: ${type}}`,
    fields: {
      axis: axisField('The axis to search.', 1),
      keepdims: flag('Keeps the axis, with an extent of 1.', false),
    },
    samples: [
      { inputs: [{ shape: ['N', 5], separated: true }], wrt: [] },
      { inputs: [{ shape: ['N', 3, 5], separated: true }], fields: { axis: -1, keepdims: true }, wrt: [] },
      { name: 'ties', inputs: [{ shape: ['N', 4], values: [1, 2, 2, 1] }], wrt: [] },
      { inputs: [{ shape: ['N', 5], dtype: 'uint8', range: [0, 255] }] },
      { inputs: [{ shape: ['N', 5], dtype: 'int32', range: [-9, 9] }] },
    ],
    arity: [1, 1],
    lower(context, inputs) {
      const { b } = context;
      const x = inputs[0]!;
      requireNumbers(context, inputs);
      const axis = axisOf(context, x);
      const wide = x.type.dtype === 'u8' ? b.op('cast', [x], { dtype: 'i32' }) : x;
      const index: Value = b.op('argmax', [turned ? b.op('neg', [wide]) : x], { axis });
      return flagOf(context.fields, 'keepdims')
        ? b.op('reshape', [index], { shape: x.type.shape.with(axis, 1) })
        : index;
    },
  });
}

export const argmax = search('argmax', 'largest', false);
export const argmin = search('argmin', 'smallest', true);
