/** The loss of an unaligned label sequence: minus the logarithm of the probability of all its alignments. */
import { elementCount, tensorType } from '../ir/types';
import { booleanAttr, inputAt, requireArity } from './attributes';
import { defineOp } from './define';
import { alignmentsOf, beginnings, checkCtc, CTC_INPUTS, ctcSamples, evidence } from './families/ctc';

export const ctc_loss = defineOp({
  name: 'ctc_loss',
  doc:
    'loss[n] = −log Σ Π softmax(logits)[n, t, path[t]] over the paths of input_lengths[n] classes that give the first ' +
    'label_lengths[n] labels when repetitions are merged and then blanks removed (Graves et al. 2006). Logits [N,T,C], ' +
    'labels [N,L] and lengths [N] of i32 or i64. A sequence without a path has an infinite loss, 0 with zero_infinity. ' +
    'A label outside 0..C−1 or equal to the blank and a length outside 0..T or 0..L are data errors. ' +
    'Gradient: ctc_loss_grad.',
  inputs: CTC_INPUTS,
  outputs: ['loss'],
  native: 'kernel',
  traits: { checks: true },

  infer(inputs, attrs) {
    requireArity(inputs, 4);
    const { dtype, shape } = checkCtc(inputs, attrs);
    return [tensorType(dtype, shape.slice(0, 1))];
  },

  evaluate(inputs, attrs) {
    const bound = booleanAttr(attrs, 'zero_infinity') ? 0 : Infinity;
    const losses = alignmentsOf(inputs, attrs).map((alignment) => {
      const log = evidence(alignment, beginnings(alignment));
      return log === -Infinity ? bound : -log;
    });
    return [Float64Array.from(losses)];
  },

  grad({ b, node, outputGrads: [dloss], wants }) {
    if (!dloss || !wants[0]) return [];
    return [b.op('ctc_loss_grad', [...node.inputs, dloss], node.attrs)];
  },

  // The sums of the softmax, then three exponentials, a logarithm and five additions for each state of each frame.
  cost(inputs) {
    const { shape } = inputAt(inputs, 0, 'logits');
    const states = 2 * (inputAt(inputs, 1, 'labels').shape[1] ?? 0) + 1;
    return { flops: 12 * elementCount(shape) + 45 * elementCount(shape.slice(0, 2)) * states };
  },

  // Two rows of states of each sample, in double precision.
  workspace(inputs) {
    const [n = 0, width = 0] = inputAt(inputs, 1, 'labels').shape;
    return n * 2 * (2 * width + 1) * 8;
  },

  samples: ctcSamples(false),
});
