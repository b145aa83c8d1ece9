/** The gradient of a convolution with respect to its image: also what others call a transposed convolution. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt, integersAttr, requireArity, requireShape } from './attributes';
import { defineOp, type OpSample } from './define';
import { convolutionFlops, convolutionOf, forEachProduct, sharedAttrs } from './families/convolution';
import {
  BF16_SAMPLES,
  CHANNELS_LAST_SAMPLES,
  CONVOLUTION_SAMPLES,
  type ConvolutionSample,
} from './families/convolution-samples';
import { gradInputWorkspace } from './families/convolution-workspace';
import { inEitherLayout } from './families/layout';
import { operandOf, requireChannelsTogether, requireParameters } from './families/storage';

const image = { inputs: [0], outputs: [0] };

function sampleOf({ name, x, w, y, attrs, dtype }: ConvolutionSample): OpSample {
  return {
    name,
    inputs: [tensorType(dtype, y), tensorType('f32', w)],
    attrs: { ...attrs, input_shape: x },
    ...(attrs['layout'] === undefined ? {} : { wrt: [] }),
  };
}

export const conv_grad_input = defineOp(
  inEitherLayout(image, {
    name: 'conv_grad_input',
    doc:
      'dx[n,c,i] = Σ dy[n,k,o]·w[k,c,r] over all (k, o, r) that meet x[n,c,i] in the convolution of the same attributes. ' +
      'dy [N,K,…], w [K,C/groups,…]; dx has shape input_shape.',
    inputs: ['dy', 'w'],
    outputs: ['dx'],
    native: 'kernel',
    traits: { foldable: true },

    infer(inputs, attrs) {
      requireArity(inputs, 2);
      requireParameters(inputs, ['gradient', 'weight']);
      const dy = inputAt(inputs, 0, 'gradient');
      requireChannelsTogether(dy, 'gradient', attrs);
      const dx = tensorType(dy.dtype, integersAttr(attrs, 'input_shape', undefined, 0));
      requireShape(dy, convolutionOf(dx, inputAt(inputs, 1, 'weight'), attrs).output, 'gradient');
      return [dx];
    },

    evaluate(inputs, attrs) {
      const dy = inputAt(inputs, 0, 'gradient');
      const w = inputAt(inputs, 1, 'weight');
      const shape = integersAttr(attrs, 'input_shape');
      const dx = new Float64Array(elementCount(shape));
      const convolution = convolutionOf(tensorType(dy.type.dtype, shape), w.type, attrs);
      const weights = operandOf(w, dy.type.dtype === 'bf16');
      forEachProduct(shape, w.type.shape, convolution, (o, i, r) => {
        dx[i] = (dx[i] as number) + (dy.data[o] as number) * (weights[r] as number);
      });
      return [dx];
    },

    // Linear in both: a gradient g of dx goes through the convolution itself, and meets dy in the weight's gradient.
    grad({ b, node, outputGrads, wants }) {
      const [dy, w] = node.inputs;
      const [g] = outputGrads;
      if (!dy || !w || !g) return [];
      const attrs = sharedAttrs(node.attrs);
      return [
        wants[0] ? b.op('conv', [g, w], attrs) : undefined,
        wants[1] ? b.op('conv_grad_weight', [g, dy], { ...attrs, weight_shape: w.type.shape }) : undefined,
      ];
    },

    cost(inputs) {
      return { flops: convolutionFlops(inputAt(inputs, 0, 'gradient').shape, inputAt(inputs, 1, 'weight').shape) };
    },

    workspace(inputs, outputs, attrs) {
      return gradInputWorkspace(inputAt(outputs, 0, 'input gradient'), inputAt(inputs, 1, 'weight'), attrs);
    },

    samples: [...CONVOLUTION_SAMPLES, ...CHANNELS_LAST_SAMPLES, ...BF16_SAMPLES].map(sampleOf),
  }),
);
