/** The gradient of a convolution with respect to its weight. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt, integersAttr, requireArity, requireSameDtype, requireShape } from './attributes';
import { defineOp, type OpSample } from './define';
import { convolutionFlops, convolutionOf, forEachProduct, sharedAttrs } from './families/convolution';
import {
  BF16_SAMPLES,
  CHANNELS_LAST_SAMPLES,
  CONVOLUTION_SAMPLES,
  type ConvolutionSample,
} from './families/convolution-samples';
import { gradWeightWorkspace } from './families/convolution-workspace';
import { inEitherLayout } from './families/layout';
import { parameterDType, requireChannelsTogether } from './families/storage';

const images = { inputs: [0, 1], outputs: [] };

function sampleOf({ name, x, w, y, attrs, dtype }: ConvolutionSample): OpSample {
  return {
    name,
    inputs: [tensorType(dtype, x), tensorType(dtype, y)],
    attrs: { ...attrs, weight_shape: w },
    ...(attrs['layout'] === undefined ? {} : { wrt: [] }),
  };
}

export const conv_grad_weight = defineOp(
  inEitherLayout(images, {
    name: 'conv_grad_weight',
    doc:
      'dw[k,c,r] = Σ x[n,c,i]·dy[n,k,o] over all (n, o, i) that meet w[k,c,r] in the convolution of the same attributes. ' +
      'x [N,C,…], dy [N,K,…]; dw has shape weight_shape [K,C/groups,…], and is float32 where both are stored as bfloat16.',
    inputs: ['x', 'dy'],
    outputs: ['dw'],
    native: 'kernel',
    traits: { foldable: true },

    infer(inputs, attrs) {
      requireArity(inputs, 2);
      requireSameDtype(inputs, ['input', 'gradient']);
      const x = inputAt(inputs, 0, 'input');
      requireChannelsTogether(x, 'input', attrs);
      const dw = tensorType(parameterDType(x.dtype), integersAttr(attrs, 'weight_shape', undefined, 0));
      requireShape(inputAt(inputs, 1, 'gradient'), convolutionOf(x, dw, attrs).output, 'gradient');
      return [dw];
    },

    evaluate(inputs, attrs) {
      const x = inputAt(inputs, 0, 'input');
      const dy = inputAt(inputs, 1, 'gradient');
      const shape = integersAttr(attrs, 'weight_shape');
      const dw = new Float64Array(elementCount(shape));
      const convolution = convolutionOf(x.type, tensorType(x.type.dtype, shape), attrs);
      forEachProduct(x.type.shape, shape, convolution, (o, i, r) => {
        dw[r] = (dw[r] as number) + (x.data[i] as number) * (dy.data[o] as number);
      });
      return [dw];
    },

    // Linear in both: a gradient g of dw acts as the weight.
    grad({ b, node, outputGrads, wants }) {
      const [x, dy] = node.inputs;
      const [g] = outputGrads;
      if (!x || !dy || !g) return [];
      const attrs = sharedAttrs(node.attrs);
      return [
        wants[0] ? b.op('conv_grad_input', [dy, g], { ...attrs, input_shape: x.type.shape }) : undefined,
        wants[1] ? b.op('conv', [x, g], attrs) : undefined,
      ];
    },

    cost(inputs, outputs) {
      return { flops: convolutionFlops(inputAt(inputs, 1, 'gradient').shape, inputAt(outputs, 0, 'output').shape) };
    },

    workspace(inputs, outputs, attrs) {
      return gradWeightWorkspace(inputAt(inputs, 1, 'gradient'), inputAt(outputs, 0, 'output'), attrs);
    },

    samples: [...CONVOLUTION_SAMPLES, ...CHANNELS_LAST_SAMPLES, ...BF16_SAMPLES].map(sampleOf),
  }),
);
