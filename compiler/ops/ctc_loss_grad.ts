/** The gradient of the loss of unaligned label sequences with respect to its logits. */
import { elementCount } from '../ir/types';
import { inputAt, requireArity, requireSameDtype, requireShape } from './attributes';
import { defineOp } from './define';
import { alignmentsOf, beginnings, checkCtc, CTC_INPUTS, ctcSamples, evidence, logSum, rests } from './families/ctc';

export const ctc_loss_grad = defineOp({
  name: 'ctc_loss_grad',
  doc:
    'dlogits[n, t, c] = dloss[n] · (softmax(logits)[n, t, c] − the share of the paths of ctc_loss, weighted by their ' +
    'probability, that are at c in frame t); 0 in frames beyond the input length and for a sequence without a path.',
  inputs: [...CTC_INPUTS, 'dloss'],
  outputs: ['dlogits'],
  native: 'kernel',
  traits: { checks: true },

  infer(inputs, attrs) {
    requireArity(inputs, 5);
    const logits = checkCtc(inputs, attrs);
    const dloss = inputAt(inputs, 4, 'gradient');
    requireSameDtype([logits, dloss], ['logits', 'gradient']);
    requireShape(dloss, logits.shape.slice(0, 1), 'gradient');
    return [logits];
  },

  evaluate(inputs, attrs) {
    const { type } = inputAt(inputs, 0, 'logits');
    const dloss = inputAt(inputs, 4, 'gradient').data;
    const [, steps = 0, classes = 0] = type.shape;
    const dlogits = new Float64Array(elementCount(type.shape));
    alignmentsOf(inputs, attrs).forEach((alignment, i) => {
      const before = beginnings(alignment);
      const after = rests(alignment);
      const all = evidence(alignment, before);
      if (all === -Infinity) return;
      for (let t = 0; t < alignment.frames; t++) {
        for (let c = 0; c < classes; c++) {
          const through = alignment.states.flatMap((label, s) =>
            label === c ? [(before[t]?.[s] as number) + (after[t]?.[s] as number)] : [],
          );
          const slope = Math.exp(alignment.logp(t, c)) - Math.exp(logSum(through) - all);
          dlogits[(i * steps + t) * classes + c] = (dloss[i] as number) * slope;
        }
      }
    });
    return [dlogits];
  },

  cost(inputs) {
    const { shape } = inputAt(inputs, 0, 'logits');
    const states = 2 * (inputAt(inputs, 1, 'labels').shape[1] ?? 0) + 1;
    return { flops: 24 * elementCount(shape) + 105 * elementCount(shape.slice(0, 2)) * states };
  },

  // Of each sample: the largest of each frame's row and the softmax's offset, two rows of states, all in double
  // precision, and what each row has left in single.
  workspace(inputs) {
    const [n = 0, steps = 0] = inputAt(inputs, 0, 'logits').shape;
    const states = 2 * (inputAt(inputs, 1, 'labels').shape[1] ?? 0) + 1;
    return n * (8 * (2 * steps + 2 * states) + 4 * steps * states);
  },

  samples: ctcSamples(true),
});
