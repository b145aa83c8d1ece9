/** How often each class was taken for each. */
import { decisionFields, taskOf, countEach, TASKS, yesOf, addUp } from './decisions';
import { defineMetric } from './define';
import { Formula } from '../losses/formula';
import { tableOf } from '../layers/table';

/** Cells of a matrix that evaluation should carry around. */
const MOST_CLASSES = 2048;

export const confusionMatrix = defineMetric({
  type: 'confusion_matrix',
  summary: 'How often each true class was taken for each class; the figure is the share of right decisions.',
  details: `${TASKS} Of several yes-or-no tasks there is no one matrix, so that scores of several classes take no \`threshold\` here.\n\nThe table has a row for each true class and a column for each that was decided on; with one score for each label, class 0 is no and 1 is yes. \`dlc eval\`, its \`--json\` and report.html show it.`,
  example: '{type: confusion_matrix, inputs: [logits, label]}',
  fields: decisionFields,
  samples: [
    {
      inputs: [
        { shape: ['N', 5], separated: true },
        { shape: ['N'], dtype: 'int32', values: [3, 0, 4, 1] },
      ],
    },
    {
      name: 'pixels, some ignored',
      inputs: [
        { shape: ['N', 3, 2, 3], separated: true },
        { shape: ['N', 2, 3], dtype: 'int64', values: [0, 255, 2, 1, 2] },
      ],
      fields: { ignore_index: 255 },
    },
    {
      name: 'yes or no',
      inputs: [{ shape: ['N', 3, 1] }, { shape: ['N', 3], values: [1, 0, -1] }],
      fields: { threshold: 0, ignore_index: -1, axis: -1 },
    },
  ],
  arity: [2, 2],
  better: 'higher',
  evaluationOnly: true,
  lower(context, inputs) {
    const { b } = context;
    const m = Formula.in(context);
    const task = taskOf(context, inputs);
    const { valid } = task;
    if (task.kind === 'yes-no') {
      if (task.classes > 1) context.fail(['threshold'], 'several yes-or-no tasks have no one matrix');
      const counted = (x: typeof task.actual) => m.reshape(addUp(context, valid ? m.mul(x, valid) : x), [1]);
      const [yes, no] = [yesOf(context, task), (x: typeof task.actual) => m.sub(1, x)];
      const cells = [
        [no(task.actual), no(yes)],
        [no(task.actual), yes],
        [task.actual, no(yes)],
        [task.actual, yes],
      ] as const;
      return {
        matrix: b.op(
          'concat',
          cells.map(([actual, decided]) => counted(m.mul(actual, decided))),
          { axis: 0 },
        ),
      };
    }
    const { classes, actual } = task;
    if (classes > MOST_CLASSES)
      context.mismatch('shape', `a matrix of ${classes} classes is larger than any that is read`);
    // A label outside of the classes would fall into another row: it is looked up first.
    const rows = b.constant(
      tableOf(classes, (c) => c * classes),
      [classes],
      'i32',
    );
    const row = b.op('gather', [rows, actual], { axis: 0, batch_dims: 0 });
    const cell = b.op('add', [row, task.predicted()]);
    return { matrix: countEach(context, cell, classes * classes, valid) };
  },
  finish({ matrix = new Float64Array() }) {
    const classes = Math.round(Math.sqrt(matrix.length));
    const confusion = tableOf(classes, (row) => matrix.subarray(row * classes, (row + 1) * classes));
    const right = confusion.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
    return { value: right / matrix.reduce((sum, x) => sum + x, 0), confusion };
  },
});
