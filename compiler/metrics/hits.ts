/** Share of samples whose label is among the k highest scores. */
import type { Value } from '../ir/graph';
import { elementCount } from '../ir/types';
import { axisOf } from '../layers/axis';
import type { LowerContext } from '../layers/define';
import { axisField } from '../layers/fields';
import type { SumMetricDef, Sums } from './define';
import { isProbabilities, requireFloatPrediction, requireLabels, total } from '../losses/targets';

export const hitFields = {
  axis: axisField('The axis of the classes.', 1),
  ignore_index: { description: 'Labels of this number do not count.', type: 'integer' },
} as const;

export function lowerHits(
  context: LowerContext,
  inputs: readonly Value[],
  k: number,
): ReturnType<SumMetricDef['lower']> {
  const { b, fields } = context;
  const [scores, labels] = inputs as readonly [Value, Value];
  requireFloatPrediction(context, scores);
  const axis = axisOf(context, scores);
  const classes = scores.type.shape[axis] ?? 0;
  if (classes < 2) {
    context.mismatch('shape', `it needs at least 2 classes on axis ${axis}`);
  }
  if (k >= classes) context.fail(['k'], `the label is always among the ${k} highest of ${classes} scores`);
  const numbers = isProbabilities(scores, labels)
    ? b.op('argmax', [labels], { axis })
    : requireLabels(context, scores, labels, axis);
  let hits = b.op('cast', [b.op('in_top_k', [scores, numbers], { axis, k })], { dtype: 'f32' });
  const ignore = fields['ignore_index'];
  if (typeof ignore !== 'number') {
    return { correct: total(context, hits), count: b.full(elementCount(numbers.type.shape)) };
  }
  const counts = b.op('cast', [b.op('not_equal', [numbers, b.full(ignore, [], 'i32')])], { dtype: 'f32' });
  hits = b.op('mul', [hits, counts]);
  return { correct: total(context, hits), count: total(context, counts) };
}

export function shareOfHits(accumulators: Sums): number {
  return (accumulators['correct']?.[0] ?? 0) / (accumulators['count']?.[0] ?? 0);
}
