/** A loss by its formula. */
import { parseExpression } from '../expression/parse';
import { TensorExpression, valueOf } from '../expression/tensors';
import { elementCount } from '../ir/types';
import type { Value } from '../ir/graph';
import { EXPRESSION_FIELDS, namesOf } from '../layers/control/expression';
import type { LowerContext } from '../layers/define';
import { MANY } from '../layers/define';
import { wordOf } from '../layers/fields';
import { defineLoss, type LossDef } from './define';
import { total } from './targets';

/** The mean over all elements of what the formula gives, as its sum and how many there are. */
export function lowerFormula(context: LowerContext, inputs: readonly Value[]): ReturnType<LossDef['lower']> {
  const { b } = context;
  const names = namesOf(context, inputs);
  const value = valueOf(new TensorExpression(context, names), parseExpression(wordOf(context.fields, 'expr')));
  const float = value.type.dtype === 'f32' ? value : b.op('cast', [value], { dtype: 'f32' });
  return { sum: total(context, float), count: b.full(elementCount(float.type.shape)) };
}

export const expression = defineLoss({
  type: 'expression',
  summary: 'A loss by formula: the mean over all elements of what it gives.',
  details:
    'The language is that of the layer `expression`. Inputs go by their names: `{inputs: [price, truth], expr: "abs(price - truth) / truth"}`.',
  example: '{type: expression, inputs: [x, label], expr: "(x - label) ** 2"}',
  fields: EXPRESSION_FIELDS,
  required: ['expr'],
  arity: [1, MANY],
  namesInputs: true,
  samples: [
    {
      inputs: [{ shape: ['N', 3] }, { shape: ['N', 3] }],
      fields: { names: ['p', 't'], expr: 'sum((p - t) ** 2, C) + 0.1 * abs(p[:, 0])' },
    },
    { inputs: [{ shape: ['N', 3] }], fields: { expr: 'mean(tanh(x))' } },
  ],
  lower: lowerFormula,
});
