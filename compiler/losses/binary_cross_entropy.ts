/** Cross-entropy of independent yes-or-no predictions, from scores or from probabilities. */
import { elementCount } from '../ir/types';
import type { Value } from '../ir/graph';
import { flag, flagOf } from '../layers/fields';
import type { LowerContext } from '../layers/define';
import { defineLoss } from './define';
import { requireFloatPrediction, requireTargets, total } from './targets';

/** Keeps log(p) and log(1 − p) finite in float32. */
const TINY = 1e-7;

export const binaryCrossEntropy = defineLoss({
  type: 'binary_cross_entropy',
  summary: 'Cross-entropy of independent yes-or-no predictions against targets from 0 to 1.',
  details: [
    'Inputs: predictions and targets of the same shape; the mean is over all elements.',
    'From scores x: max(x, 0) − x·t + log(1 + exp(−|x|)), which neither overflows nor loses precision. With `from_logits: false` the predictions are probabilities (the layer before is a sigmoid), held 1e-7 away from 0 and 1.',
  ].join('\n\n'),
  example: '{type: binary_cross_entropy, inputs: [score, target]}',
  fields: { from_logits: flag('The predictions are scores, before the sigmoid.', true) },
  arity: [2, 2],
  lower(context, inputs) {
    const [prediction, labels] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, prediction);
    const target = requireTargets(context, prediction, labels);
    const loss = flagOf(context.fields, 'from_logits')
      ? fromScores(context, prediction, target)
      : fromProbabilities(context, prediction, target);
    return { sum: total(context, loss), count: context.b.full(elementCount(prediction.type.shape)) };
  },
});

function fromScores({ b }: LowerContext, x: Value, target: Value): Value {
  const tail = b.op('log1p', [b.op('exp', [b.op('neg', [b.op('abs', [x])])])]);
  return b.op('add', [b.op('sub', [b.op('maximum', [x, b.full(0)]), b.op('mul', [x, target])]), tail]);
}

function fromProbabilities({ b }: LowerContext, p: Value, target: Value): Value {
  const inside = b.op('minimum', [b.op('maximum', [p, b.full(TINY)]), b.full(1 - TINY)]);
  const yes = b.op('mul', [target, b.op('log', [inside])]);
  const one = b.full(1);
  const no = b.op('mul', [b.op('sub', [one, target]), b.op('log1p', [b.op('neg', [inside])])]);
  return b.op('neg', [b.op('add', [yes, no])]);
}
