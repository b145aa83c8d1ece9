/** Order along an axis: sorted values, where they were, and the best few. */
import { axisOf } from '../axis';
import { defineLayer, type LowerContext } from '../define';
import type { Value } from '../../ir/graph';
import { axisField, flag, flagOf, numberOf, positive } from '../fields';
import { sliceAlong } from '../shape/pieces';

const STABLE =
  'Equal elements keep their order. NaN comes last either way, as in NumPy; PyTorch has it first when descending.';

const descendingField = flag('From the greatest to the least.', false);
const sortedAxis = axisField('The axis along which is sorted.', -1);

function sorted(context: LowerContext, input: Value, descending: boolean): readonly [Value, Value] {
  if (input.type.dtype === 'bool') context.mismatch('dtype', 'bools have no order: `cast` them first');
  const axis = axisOf(context, input);
  const [values, indices] = context.b.ops('sort', [input], { axis, descending });
  return [values!, indices!];
}

export const sort = defineLayer({
  type: 'sort',
  summary: 'Sorts along an axis.',
  details: `Outputs: the sorted values, and \`indices\` (int32), where each was. ${STABLE} The gradient of a value goes back to where it was.`,
  example: '{name: ordered, type: sort, descending: true}',
  fields: { axis: sortedAxis, descending: descendingField },
  arity: [1, 1],
  outputs: ['indices'],
  lower: (context, inputs) => sorted(context, inputs[0]!, flagOf(context.fields, 'descending')),
  samples: [
    { inputs: [{ shape: ['N', 7], separated: true }], fields: { descending: true } },
    { name: 'an axis within', inputs: [{ shape: ['N', 5, 3], separated: true }], fields: { axis: 1 } },
    { name: 'integers with ties', inputs: [{ shape: ['N', 9], dtype: 'int32', range: [0, 3] }] },
  ],
});

export const argsort = defineLayer({
  type: 'argsort',
  summary: 'Gives the indices that would sort an axis.',
  details: `Output: int32, of the input's shape: the index of the least element first. ${STABLE} \`argsort\` of the result gives ranks. Indices have no gradient.`,
  example: '{name: order, type: argsort}',
  fields: { axis: sortedAxis, descending: descendingField },
  arity: [1, 1],
  lower: (context, inputs) => sorted(context, inputs[0]!, flagOf(context.fields, 'descending'))[1],
  samples: [
    { inputs: [{ shape: ['N', 7], separated: true }], wrt: [] },
    {
      name: 'descending, ties',
      inputs: [{ shape: ['N', 3, 5], dtype: 'int64', range: [0, 2] }],
      fields: { axis: 1, descending: true },
    },
  ],
});

export const topK = defineLayer({
  type: 'top_k',
  summary: 'The k greatest (or least) elements along an axis.',
  details: `Outputs: the values, the best first, and \`indices\` (int32), where they were; the axis has extent k in both. ${STABLE} \`topk\` of PyTorch, \`top_k\` of Keras, ArgMax of Caffe with \`top_k\`. As a metric, \`top_k\` is another thing: how often the label is among the best.`,
  example: '{name: best, type: top_k, k: 5}',
  fields: {
    k: positive('How many elements are kept.'),
    axis: axisField('The axis along which is chosen.', -1),
    largest: flag('The greatest elements; false: the least.', true),
  },
  required: ['k'],
  arity: [1, 1],
  outputs: ['indices'],
  lower(context, inputs) {
    const input = inputs[0]!;
    const k = numberOf(context.fields, 'k');
    const axis = axisOf(context, input);
    const extent = input.type.shape[axis] ?? 1;
    if (k > extent) context.fail(['k'], `axis ${axis} has ${extent} elements, which is fewer than ${k}`);
    const outputs = sorted(context, input, flagOf(context.fields, 'largest'));
    return outputs.map((output) => sliceAlong(context.b, output, axis, 0, k));
  },
  samples: [
    { inputs: [{ shape: ['N', 7], separated: true }], fields: { k: 5 } },
    {
      name: 'the least of an axis within',
      inputs: [{ shape: ['N', 5, 3], separated: true }],
      fields: { k: 2, axis: 1, largest: false },
    },
    { name: 'all of them', inputs: [{ shape: ['N', 3], separated: true }], fields: { k: 3 } },
    { name: 'integers', inputs: [{ shape: ['N', 9], dtype: 'int32', range: [0, 4] }], fields: { k: 3 } },
  ],
});
