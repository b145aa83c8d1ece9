/**
 * Replaces formulas that lose all their digits in float32 by equal ones that do not: the logarithm of a probability
 * is computed from the logit. log σ(x) = min(x, 0) − log1p(e^−|x|) is exact to rounding for every x, while log(σ(x))
 * is −∞ from x ≈ −88 on; so binary cross-entropy written with probabilities becomes the one with logits.
 */
import type { Value } from '../ir/graph';
import type { RewriteContext } from '../ir/rewrite';
import { sameType } from '../ir/types';
import { definePass } from './define';
import { applyRewrites, inputsOf, isFilledWith, scalar, type LocalRewrite } from './local';

function logSigmoid(x: Value, context: RewriteContext): Value {
  const magnitude = context.intermediate('abs', [x]);
  const tail = context.intermediate('log1p', [context.intermediate('exp', [context.intermediate('neg', [magnitude])])]);
  return context.op('sub', [context.intermediate('minimum', [x, scalar(context, 0, x.type.dtype)]), tail]);
}

/** x, where the value is 1 − σ(x) = σ(−x), in either spelling. */
function complementOf(value: Value | undefined, context: RewriteContext): Value | undefined {
  const [one, probability] = inputsOf(value, 'sub', context) ?? [];
  return isFilledWith(one, 1, context) ? inputsOf(probability, 'sigmoid', context)?.[0] : undefined;
}

export const STABLE: readonly LocalRewrite[] = [
  {
    name: 'log(softmax(x)) → log_softmax(x)',
    ops: ['log'],
    replace: ({ inputs: [p] }, context) => {
      const softmax = p && context.definition(p);
      return softmax?.op === 'softmax' ? context.op('log_softmax', softmax.inputs, softmax.attrs) : undefined;
    },
  },
  {
    name: 'log(σ(x)) → min(x, 0) − log1p(e^−|x|)',
    ops: ['log'],
    replace: ({ inputs: [p] }, context) => {
      const [x] = inputsOf(p, 'sigmoid', context) ?? [];
      return x && logSigmoid(x, context);
    },
  },
  {
    name: 'log(1 − σ(x)) → log σ(−x)',
    ops: ['log'],
    replace: ({ inputs: [q] }, context) => {
      const x = complementOf(q, context);
      return x && logSigmoid(context.intermediate('neg', [x]), context);
    },
  },
  {
    name: 'log1p(−σ(x)) → log σ(−x)',
    ops: ['log1p'],
    replace: ({ inputs: [q] }, context) => {
      const [x] = inputsOf(inputsOf(q, 'neg', context)?.[0], 'sigmoid', context) ?? [];
      return x && logSigmoid(context.intermediate('neg', [x]), context);
    },
  },
  {
    name: 'log(exp(x)) → x',
    ops: ['log'],
    replace: ({ inputs: [p] }, context) => inputsOf(p, 'exp', context)?.[0],
  },
  {
    name: 'log(1 + x) → log1p(x)',
    ops: ['log'],
    replace: ({ inputs: [sum], outputs: [y] }, context) => {
      const [a, b] = inputsOf(sum, 'add', context) ?? [];
      const x = isFilledWith(b, 1, context) ? a : isFilledWith(a, 1, context) ? b : undefined;
      return x && y && sameType(x.type, y.type) ? context.op('log1p', [x]) : undefined;
    },
  },
  {
    name: 'exp(x) − 1 → expm1(x)',
    ops: ['sub'],
    replace: ({ inputs: [e, one], outputs: [y] }, context) => {
      const [x] = inputsOf(e, 'exp', context) ?? [];
      const kept = x && y && isFilledWith(one, 1, context) && sameType(x.type, y.type);
      return kept ? context.op('expm1', [x]) : undefined;
    },
  },
];

export const stabilize = definePass({
  name: 'stabilize',
  doc: 'Replaces formulas that lose their digits in float32 by equal ones that do not.',
  run: (graph) => applyRewrites(graph, STABLE),
});
