/** A price on large activations, added to the loss. */
import type { Value } from '../../ir/graph';
import { defineLayer } from '../define';
import { numberOf, wordOf } from '../fields';
import { requireFloat } from '../window';

const factor = (description: string) => ({ description, type: 'number', minimum: 0, default: 0 }) as const;

export const activityRegularization = defineLayer({
  type: 'activity_regularization',
  summary: 'Passes its input on and adds a price on its size to the loss.',
  details:
    "l1 · Σ|x| + l2 · Σx², in training and evaluation; where it stands in prediction, nothing is added. ActivityRegularization of Keras, which since version 3 takes the sum over the whole batch, `reduction: sum`; before it divided by the batch size, `reduction: mean`, so that the price does not depend on it. A price on weights is the optimizer's `weight_decay`.",
  example: '{name: sparse, type: activity_regularization, l1: 0.001}',
  fields: {
    l1: factor('The price of the sum of magnitudes.'),
    l2: factor('The price of the sum of squares.'),
    reduction: {
      description: 'Whether the price is that of a sample, averaged over the batch, or of the batch.',
      enum: ['mean', 'sum'],
      default: 'mean',
    },
  },
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const input = inputs[0]!;
    requireFloat(context, input);
    const [l1, l2] = [numberOf(fields, 'l1'), numberOf(fields, 'l2')];
    if (l1 === 0 && l2 === 0) context.fail([], 'neither `l1` nor `l2` is above 0: it would do nothing');
    const axes = input.type.shape.map((_, axis) => axis);
    const price = (rate: number, op: string): readonly Value[] => {
      if (rate === 0) return [];
      const total = b.op('reduce_sum', [b.op(op, [input])], { axes, keepdims: false });
      return [b.op('mul', [total, b.full(rate)])];
    };
    const sum = [...price(l1, 'abs'), ...price(l2, 'square')].reduce((x, y) => b.op('add', [x, y]));
    const samples = wordOf(fields, 'reduction') === 'mean' ? (input.type.shape[0] ?? 1) : 1;
    context.penalty(sum, b.full(samples));
    return input;
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5], separated: true }], fields: { l1: 0.001 } },
    { inputs: [{ shape: ['N', 3] }], fields: { l1: 0.1, l2: 0.5, reduction: 'sum' } },
  ],
});
