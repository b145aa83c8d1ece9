/** The logarithm of softmax, exact where softmax itself would round to 0. */
import { inputAt, integerAttr } from './attributes';
import { defineOp } from './define';
import { withBfloat16 } from './families/images-samples';
import { inferAlongAxis, logSoftmaxOf, SOFTMAX_SAMPLES, softmaxCost } from './families/softmax';

export const log_softmax = defineOp({
  name: 'log_softmax',
  doc: 'y = x − log Σ exp(x), the sum along axis; computed from x − max(x). dx = dy − exp(y) · Σ dy.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true, inPlace: [[0, 0]] },
  infer: inferAlongAxis,
  evaluate(inputs, attrs) {
    return [logSoftmaxOf(inputAt(inputs, 0, 'input'), integerAttr(attrs, 'axis'))];
  },
  grad({ b, node, outputGrads }) {
    const [y] = node.outputs;
    const [dy] = outputGrads;
    if (!y || !dy) return [];
    const sum = b.op('reduce_sum', [dy], { axes: [integerAttr(node.attrs, 'axis')], keepdims: true });
    return [b.op('sub', [dy, b.op('mul', [b.op('exp', [y]), sum])])];
  },
  cost: softmaxCost,
  samples: [...SOFTMAX_SAMPLES, ...SOFTMAX_SAMPLES.map((each) => withBfloat16(each, [0]))],
});
