/** Local response normalization across channels. */
import { elementCount } from '../ir/types';
import { inputAt, integerAttr, requireArity } from './attributes';
import { defineOp } from './define';
import { RESPONSE_SAMPLES, responseOf, scalesOf } from './families/response';

export const lrn = defineOp({
  name: 'lrn',
  doc:
    'y = x / s^beta with s[c] = k + alpha/size · Σ x[j]² over the channels j = c − ⌊size/2⌋ … c + ⌊(size−1)/2⌋ that exist. ' +
    "Input [N,C,…], output alike. Caffe's and PyTorch's definition (alpha is divided by size) of Krizhevsky et al., " +
    '"ImageNet classification with deep convolutional neural networks" (2012).',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs, attrs) {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    responseOf(x, attrs);
    return [x];
  },

  evaluate(inputs, attrs) {
    const x = inputAt(inputs, 0, 'input');
    const response = responseOf(x.type, attrs);
    const scales = scalesOf(x, response);
    return [x.data.map((value, i) => value * (scales[i] as number) ** -response.beta)];
  },

  grad({ b, node, outputGrads }) {
    const [x] = node.inputs;
    const [dy] = outputGrads;
    if (!x || !dy) return [];
    return [b.op('lrn_grad', [dy, x], node.attrs)];
  },

  // The power counts as twenty operations.
  cost(inputs, _outputs, attrs) {
    return { flops: elementCount(inputAt(inputs, 0, 'input').shape) * (2 * integerAttr(attrs, 'size') + 23) };
  },

  samples: RESPONSE_SAMPLES,
});
