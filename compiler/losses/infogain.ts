/** Cross-entropy in which a matrix says what a mistake costs. */
import type { Json } from '../frontend/spec';
import type { Value } from '../ir/graph';
import { axisOf } from '../layers/axis';
import type { LowerContext } from '../layers/define';
import { axisField, isNumbers } from '../layers/fields';
import { Formula } from './formula';
import { classLabels, ignoreField } from './labels';
import { defineTermLoss } from './reduction';
import { requireFloatPrediction } from './targets';

const MATRIX = [
  [1, 0.25, 0],
  [0, 2, 0],
  [0.5, 0, 1],
];

export const infogain = defineTermLoss({
  type: 'infogain',
  summary: 'Cross-entropy in which a matrix weighs every class against every label.',
  details: [
    'Inputs: scores [N, C, ...] and class numbers [N, ...]; one term for each label.',
    "−Σ H[label, c] · log softmax(x)[c] over the classes c, as Caffe's InfogainLoss. With the identity for H it is `cross_entropy`; a diagonal H weighs classes, but unlike `class_weights` does not count in the mean.",
  ].join('\n\n'),
  example: '{type: infogain, inputs: [logits, label], matrix: [[1, 0.25, 0], [0, 2, 0], [0.5, 0, 1]]}',
  fields: {
    matrix: {
      description: 'H: a row for each label, a column for each class.',
      type: 'array',
      items: { type: 'array', items: { type: 'number' }, minItems: 1 },
      minItems: 1,
    },
    axis: axisField('The axis of the classes.', 1),
    ignore_index: ignoreField,
  },
  required: ['matrix'],
  own: 2,
  samples: [
    {
      inputs: [{ shape: ['N', 3] }, { shape: ['N'], dtype: 'int32' }],
      fields: { matrix: MATRIX },
    },
    {
      name: 'pixels, some ignored',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 2], dtype: 'int32', values: [1, 7, 0] }],
      fields: { matrix: MATRIX, ignore_index: 7 },
    },
  ],
  terms(context, inputs) {
    const [scores, labels] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, scores);
    const axis = axisOf(context, scores);
    const m = Formula.in(context);
    const { b } = context;
    const { shape } = scores.type;
    const classes = shape[axis] ?? 0;
    const matrix = b.constant(matrixOf(context, classes), [classes, classes]);
    const { numbers, valid } = classLabels(context, scores, labels, axis);
    const logp = b.op('log_softmax', [scores], { axis });
    const axes = shape.map((_, i) => i);
    const classesLast = [...axes.filter((i) => i !== axis), axis];
    const last = axis === shape.length - 1 ? logp : b.op('transpose', [logp], { perm: classesLast });
    const rows = b.op('gather', [matrix, numbers], { axis: 0, batch_dims: 0 });
    const loss = m.neg(m.sum(m.mul(rows, last), [shape.length - 1]));
    return valid ? { loss: m.mul(loss, valid), valid } : { loss };
  },
});

function matrixOf(context: LowerContext, classes: number): readonly number[] {
  const rows = (context.fields['matrix'] ?? []) as readonly Json[];
  if (rows.length !== classes) context.fail(['matrix'], `${rows.length} rows are given for ${classes} classes`);
  return rows.flatMap((row, i) => {
    const numbers = isNumbers(row) ? row : [];
    if (numbers.length !== classes) {
      context.fail(['matrix', i], `the row has ${numbers.length} numbers for ${classes} classes`);
    }
    return numbers;
  });
}
