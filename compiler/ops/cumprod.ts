/** Running products along an axis. */
import { elementCount, tensorType } from '../ir/types';
import { booleanAttr, inputAt, integerAttr, requireArity } from './attributes';
import { defineOp } from './define';
import { checkRunning, running, RUNNING_SAMPLES, shifted } from './families/running';

export const cumprod = defineOp({
  name: 'cumprod',
  doc:
    'y[i] = x[0] · … · x[i] along axis; exclusive: … · x[i−1], so that the first is 1; reverse: x[i] · … · x[last]. ' +
    'Gradient, without a division, so that zeros are like any number: the product of what comes before x[i], times ' +
    's[i] = g[i] + x[i+1] · s[i+1] (exclusive: s[i] = g[i+1] + x[i+1] · s[i+1]).',
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
    return [running(inputAt(inputs, 0, 'input'), attrs, 1, (product, x) => product * x)];
  },

  grad({ b, node, outputGrads: [g] }) {
    const [x] = node.inputs;
    if (!g || !x) return [];
    const { attrs } = node;
    const way = { axis: integerAttr(attrs, 'axis'), reverse: !booleanAttr(attrs, 'reverse') };
    const given = booleanAttr(attrs, 'exclusive') ? shifted(b, g, attrs, 1) : g;
    const after = b.op('linear_recurrence', [shifted(b, x, attrs, 1), given], way);
    return [b.op('mul', [b.op('cumprod', [x], { ...attrs, exclusive: true }), after])];
  },

  cost(inputs) {
    return { flops: elementCount(inputAt(inputs, 0, 'input').shape) };
  },

  samples: [
    ...RUNNING_SAMPLES,
    {
      name: 'zeros',
      inputs: [tensorType('f32', [3, 5])],
      attrs: { axis: 1, exclusive: false, reverse: false },
      values: { 0: [2, 0, 3, -1, 5, 0, 0, 1, 2, 3, -2, 3, 1, 4, 0] },
    },
  ],
});
