/** Softmax along an axis. */
import { inputAt, integerAttr } from './attributes';
import { defineOp } from './define';
import { withBfloat16 } from './families/images-samples';
import { inferAlongAxis, logSoftmaxOf, SOFTMAX_SAMPLES, softmaxCost } from './families/softmax';

export const softmax = defineOp({
  name: 'softmax',
  doc: 'y = exp(x) / Σ exp(x), the sum along axis; computed from x − max(x). dx = y · (dy − Σ dy·y).',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true, inPlace: [[0, 0]] },
  infer: inferAlongAxis,
  evaluate(inputs, attrs) {
    return [logSoftmaxOf(inputAt(inputs, 0, 'input'), integerAttr(attrs, 'axis')).map(Math.exp)];
  },
  grad({ b, node, outputGrads }) {
    const [y] = node.outputs;
    const [dy] = outputGrads;
    if (!y || !dy) return [];
    const sum = b.op('reduce_sum', [b.op('mul', [dy, y])], { axes: [integerAttr(node.attrs, 'axis')], keepdims: true });
    return [b.op('mul', [y, b.op('sub', [dy, sum])])];
  },
  cost: softmaxCost,
  samples: [...SOFTMAX_SAMPLES, ...SOFTMAX_SAMPLES.map((each) => withBfloat16(each, [0]))],
});
