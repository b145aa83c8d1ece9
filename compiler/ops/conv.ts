/** Convolution, as networks mean it: a cross-correlation. The kernel is in runtime-native/src/cpu/conv. */
import { InternalError } from '../diagnostics/errors';
import type { Attrs } from '../ir/graph';
import { elementCount, formatType, tensorType, type TensorType } from '../ir/types';
import { inputAt, integersAttr, requireArity, requireShape, stringAttr } from './attributes';
import type { OpSample } from './define';
import { defineOp, OpTypeError } from './define';
import { convolutionFlops, convolutionOf, forEachProduct, sharedAttrs } from './families/convolution';
import {
  BF16_SAMPLES,
  CHANNELS_LAST_SAMPLES,
  CONVOLUTION_SAMPLES,
  type ConvolutionSample,
} from './families/convolution-samples';
import { forwardWorkspace, packedWeights } from './families/convolution-workspace';
import { inEitherLayout } from './families/layout';
import { operandOf, requireChannelsTogether, requireParameters, parameterDType } from './families/storage';

/** The one activation that a convolution's kernel can apply; put there by the fusion pass. */
function hasRelu(attrs: Attrs): boolean {
  if (attrs.activation === undefined) return false;
  const activation = stringAttr(attrs, 'activation');
  if (activation !== 'relu') throw new OpTypeError(`attribute 'activation' is '${activation}', expected 'relu'`);
  return true;
}

/** The weight as it is meant: with `weight_shape` it comes packed, in the order of the kernel. */
function weightOf(inputs: readonly TensorType[], attrs: Attrs): TensorType {
  const w = inputAt(inputs, 1, 'weight');
  if (attrs['weight_shape'] === undefined) return w;
  const { dtype } = inputAt(inputs, 0, 'input');
  if (w.dtype !== dtype) throw new OpTypeError(`the packed weight is ${formatType(w)}, expected ${dtype} as the input`);
  return tensorType(parameterDType(dtype), integersAttr(attrs, 'weight_shape'));
}

function sampleOf({ name, x, w, attrs, dtype }: ConvolutionSample, i: number): OpSample {
  // Every other sample has a bias.
  const bias = i % 2 === 0 ? [tensorType('f32', w.slice(0, 1))] : [];
  return {
    name,
    inputs: [tensorType(dtype, x), tensorType('f32', w), ...bias],
    attrs,
    ...(attrs['layout'] === undefined ? {} : { wrt: [] }),
  };
}

const fused: OpSample = {
  name: 'with bias and relu',
  inputs: [tensorType('f32', [2, 3, 6, 7]), tensorType('f32', [5, 3, 3, 3]), tensorType('f32', [5])],
  attrs: {
    stride: [1, 1],
    padding_low: [1, 1],
    padding_high: [1, 1],
    dilation: [1, 1],
    groups: 1,
    activation: 'relu',
  },
  wrt: [],
};

const image = { inputs: [0], outputs: [0] };

export const conv = defineOp(
  inEitherLayout(image, {
    name: 'conv',
    doc:
      'y[n,k,o] = bias[k] + Σ x[n,c,i]·w[k,c,r] over the channels c of the group of filter k and the kernel positions r, ' +
      'where i = o·stride − padding_low + r·dilation on each of one to three spatial axes and x is 0 outside. ' +
      'Input [N,C,…], weight [K,C/groups,…], bias [K]; output [N,K,…] with extents ' +
      'floor((H + low + high − dilation·(R−1) − 1) / stride) + 1. With activation relu, y is max(y, 0). ' +
      'LeCun et al., "Gradient-based learning applied to document recognition" (1998).',
    inputs: ['x', 'w', 'bias?'],
    outputs: ['y'],
    native: 'kernel',
    traits: { foldable: true },

    infer(inputs, attrs) {
      requireArity(inputs, 2, 3);
      const x = inputAt(inputs, 0, 'input');
      const w = weightOf(inputs, attrs);
      requireParameters([x, w, ...inputs.slice(2)], ['input', 'weight', 'bias']);
      requireChannelsTogether(x, 'input', attrs);
      const { output } = convolutionOf(x, w, attrs);
      if (attrs['weight_shape'] !== undefined)
        requireShape(inputAt(inputs, 1, 'weight'), [packedWeights(x.dtype, w, output, attrs)], 'weight');
      if (inputs[2]) requireShape(inputs[2], w.shape.slice(0, 1), 'bias');
      hasRelu(attrs);
      return [tensorType(x.dtype, output)];
    },

    evaluate(inputs, attrs) {
      const x = inputAt(inputs, 0, 'input');
      const w = inputAt(inputs, 1, 'weight');
      const bias = inputs[2];
      const type = weightOf(
        inputs.map((input) => input.type),
        attrs,
      );
      const convolution = convolutionOf(x.type, type, attrs);
      const y = new Float64Array(elementCount(convolution.output));
      const weights = operandOf(w, x.type.dtype === 'bf16');
      forEachProduct(x.type.shape, type.shape, convolution, (o, i, r) => {
        y[o] = (y[o] as number) + (x.data[i] as number) * (weights[r] as number);
      });
      if (bias) {
        const filters = bias.data.length;
        const plane = elementCount(convolution.output.slice(2));
        for (let o = 0; o < y.length; o++) {
          y[o] = (y[o] as number) + (bias.data[Math.floor(o / plane) % filters] as number);
        }
      }
      return [hasRelu(attrs) ? y.map((value) => Math.max(value, 0)) : y];
    },

    grad({ b, node, outputGrads, wants }) {
      if (node.attrs.activation !== undefined)
        throw new InternalError('conv is differentiated before its relu is fused');
      const [x, w] = node.inputs;
      const [dy] = outputGrads;
      if (!x || !w || !dy) return [];
      const attrs = sharedAttrs(node.attrs);
      const axes = dy.type.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
      return [
        wants[0] ? b.op('conv_grad_input', [dy, w], { ...attrs, input_shape: x.type.shape }) : undefined,
        wants[1] ? b.op('conv_grad_weight', [x, dy], { ...attrs, weight_shape: w.type.shape }) : undefined,
        wants[2] ? b.op('reduce_sum', [dy], { axes, keepdims: false }) : undefined,
      ];
    },

    cost(inputs, outputs, attrs) {
      const output = inputAt(outputs, 0, 'output').shape;
      const extra = (inputs.length > 2 ? 1 : 0) + (hasRelu(attrs) ? 1 : 0);
      return { flops: convolutionFlops(output, weightOf(inputs, attrs).shape) + extra * elementCount(output) };
    },

    workspace(inputs, outputs, attrs) {
      return forwardWorkspace(inputAt(outputs, 0, 'output'), weightOf(inputs, attrs), inputs.length > 2, attrs);
    },

    samples: [...[...CONVOLUTION_SAMPLES, ...CHANNELS_LAST_SAMPLES, ...BF16_SAMPLES].map(sampleOf), fused],
  }),
);
