/** Class numbers as vectors with a single one. */
import { defineLayer } from '../define';
import { resolveAxis } from '../axis';
import { axisField, numberOf, positive, wordOf } from '../fields';
import { checkedIndices, requireIndices } from './indices';
import { tableOf } from '../table';

export const oneHot = defineLayer({
  type: 'one_hot',
  summary: 'Turns each class number into a vector of zeros with a one at that class.',
  details:
    'Input: int32 or int64 class numbers of any shape; output: float32 with a new axis of extent `classes`, the last one unless `axis` says otherwise: [N] → [N, classes]. A number that is no class stops the run, as in PyTorch; Keras and TensorFlow give zeros for it: `outside: zeros`.',
  example: '{name: target, type: one_hot, classes: 10}',
  fields: {
    classes: positive('Number of classes.'),
    axis: axisField('Where the new axis stands in the output.', -1),
    outside: {
      description: 'What a number outside 0 … classes − 1 gives: an `error` that stops the run, or `zeros`.',
      enum: ['error', 'zeros'],
      default: 'error',
    },
  },
  required: ['classes'],
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const input = inputs[0]!;
    requireIndices(context, input, 'class numbers');
    const classes = numberOf(fields, 'classes');
    const numbers = wordOf(fields, 'outside') === 'error' ? checkedIndices(context, input, classes) : input;
    const { dtype, shape } = numbers.type;
    const wide = [...shape, classes];
    const axis = resolveAxis(context, numberOf(fields, 'axis'), wide, ['axis'], 0, `output of rank ${wide.length}`);
    const apart = b.op('reshape', [numbers], { shape: [...shape.slice(0, axis), 1, ...shape.slice(axis)] });
    const every = b.constant(
      tableOf(classes, (c) => c),
      wide.map((_, i) => (i === axis ? classes : 1)),
      dtype,
    );
    return b.op('cast', [b.op('equal', [apart, every])], { dtype: 'f32' });
  },
  samples: [
    { inputs: [{ shape: ['N'], dtype: 'int32', range: [0, 9] }], fields: { classes: 10 } },
    {
      name: 'classes before the pixels',
      inputs: [{ shape: ['N', 3, 5], dtype: 'int64', range: [0, 2] }],
      fields: { classes: 3, axis: 1 },
    },
    {
      name: 'zeros for what is no class',
      inputs: [{ shape: ['N', 5], dtype: 'int32', values: [-1, 0, 4, 5, 2] }],
      fields: { classes: 5, outside: 'zeros' },
    },
  ],
});
