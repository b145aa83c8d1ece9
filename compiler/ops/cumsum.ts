/** Running sums along an axis. */
import { elementCount } from '../ir/types';
import { booleanAttr, inputAt, requireArity } from './attributes';
import { defineOp } from './define';
import { backwards, checkRunning, running, RUNNING_SAMPLES } from './families/running';

export const cumsum = defineOp({
  name: 'cumsum',
  doc:
    'y[i] = x[0] + … + x[i] along axis; exclusive: … + x[i−1], so that the first is 0; reverse: x[i] + … + x[last]. ' +
    'Floating-point sums are carried in double. Gradient: cumsum of g, running the other way.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true, inPlace: [[0, 0]] },

  infer(inputs, attrs) {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    checkRunning(x, attrs);
    booleanAttr(attrs, 'exclusive');
    return [x];
  },

  evaluate(inputs, attrs) {
    return [running(inputAt(inputs, 0, 'input'), attrs, 0, (sum, x) => sum + x)];
  },

  grad({ b, node, outputGrads: [g] }) {
    return g ? [b.op('cumsum', [g], backwards(node.attrs))] : [];
  },

  cost(inputs) {
    return { flops: elementCount(inputAt(inputs, 0, 'input').shape) };
  },

  samples: RUNNING_SAMPLES,
});
