/** Softmax cross-entropy and its gradient in one go: made by a pass, never by a layer. */
import { elementCount } from '../ir/types';
import { inputAt } from './attributes';
import { defineOp } from './define';
import { softmax_cross_entropy } from './softmax_cross_entropy';
import { CROSS_ENTROPY_GRAD_SAMPLES, softmax_cross_entropy_grad } from './softmax_cross_entropy_grad';

/** Without the gradient of the loss. */
function forwardInputs<T>(inputs: readonly T[]): readonly T[] {
  return inputs.filter((_, i) => i !== 2);
}

export const fused_cross_entropy = defineOp({
  name: 'fused_cross_entropy',
  doc:
    'softmax_cross_entropy with the gradient that dloss gives, which must be known before: the exponentials of a line ' +
    'are computed once for both. Exists only after differentiation.',
  inputs: ['logits', 'labels', 'dloss', 'class_weights?'],
  outputs: ['loss', 'weight', 'dlogits'],
  native: 'kernel',
  traits: { checks: true, inPlace: [[0, 2]] },
  infer: (inputs, attrs) => [
    ...softmax_cross_entropy.infer(forwardInputs(inputs), attrs),
    ...softmax_cross_entropy_grad.infer(inputs, attrs),
  ],
  evaluate: (inputs, attrs, outputs) => [
    ...softmax_cross_entropy.evaluate(forwardInputs(inputs), attrs, outputs.slice(0, 2)),
    ...softmax_cross_entropy_grad.evaluate(inputs, attrs, outputs.slice(2)),
  ],
  cost: (inputs) => ({ flops: 18 * elementCount(inputAt(inputs, 0, 'logits').shape) }),
  samples: CROSS_ENTROPY_GRAD_SAMPLES,
});
