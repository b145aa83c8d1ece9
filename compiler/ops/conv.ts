/** Convolution, as networks mean it: a cross-correlation. The kernel is in runtime-native/src/cpu/conv. */
import { InternalError } from '../diagnostics/errors';
import type { Attrs } from '../ir/graph';
import { elementCount, formatType, tensorType, type TensorType } from '../ir/types';
import {
  inputAt,
  integersAttr,
  numberAttr,
  requireArity,
  requireSameDtype,
  requireShape,
  stringAttr,
} from './attributes';
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
import { inEitherLayout, isChannelsLast } from './families/layout';
import { operandOf, requireChannelsTogether, requireParameters, parameterDType } from './families/storage';

interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** What a convolution's kernel can apply at its end; put there by the fusion pass. */
function activationOf(attrs: Attrs): Bounds | undefined {
  if (attrs.activation === undefined) return undefined;
  const activation = stringAttr(attrs, 'activation');
  if (activation === 'relu') return { low: 0, high: Infinity };
  const known = isChannelsLast(attrs) ? ['relu', 'clamp'] : ['relu'];
  if (!known.includes(activation)) {
    const expected = known.map((word) => `'${word}'`).join(' or ');
    throw new OpTypeError(`attribute 'activation' is '${activation}', expected ${expected}`);
  }
  const [low, high] = [numberAttr(attrs, 'low'), numberAttr(attrs, 'high')];
  if (low > high) throw new OpTypeError(`attribute 'low' is ${low}, expected no more than 'high', ${high}`);
  return { low, high };
}

/** NaN stays. */
function bounded(value: number, { low, high }: Bounds): number {
  if (value <= low) return low;
  return value >= high ? high : value;
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

const ACTIVATIONS: readonly Attrs[] = [{}, { activation: 'relu' }, { activation: 'clamp', low: -0.5, high: 0.75 }];

/** With everything that a kernel may do at its end. */
function withResidual({ name, x, w, y, attrs, dtype }: ConvolutionSample, i: number): OpSample {
  const activation = ACTIVATIONS[i % ACTIVATIONS.length] ?? {};
  const images = [tensorType(dtype, x), tensorType(dtype, y)] as const;
  return {
    name: `${name}, with residual and ${String(activation['activation'] ?? 'no activation')}`,
    inputs: [images[0], tensorType('f32', w), tensorType('f32', w.slice(0, 1)), images[1]],
    attrs: { ...attrs, ...activation },
    wrt: [],
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

const image = { inputs: [0, 3], outputs: [0] };

export const conv = defineOp(
  inEitherLayout(image, {
    name: 'conv',
    doc:
      'y[n,k,o] = bias[k] + Σ x[n,c,i]·w[k,c,r] over the channels c of the group of filter k and the kernel positions r, ' +
      'where i = o·stride − padding_low + r·dilation on each of one to three spatial axes and x is 0 outside. ' +
      'Input [N,C,…], weight [K,C/groups,…], bias [K]; output [N,K,…] with extents ' +
      'floor((H + low + high − dilation·(R−1) − 1) / stride) + 1. With activation relu, y is max(y, 0). ' +
      'With channels last, a residual of the shape and dtype of y is added behind the bias, and the activation may also ' +
      'be clamp, which holds y between the attributes low and high. ' +
      'LeCun et al., "Gradient-based learning applied to document recognition" (1998).',
    inputs: ['x', 'w', 'bias?', 'residual?'],
    outputs: ['y'],
    native: 'kernel',
    traits: { foldable: true },

    infer(inputs, attrs) {
      requireArity(inputs, 2, isChannelsLast(attrs) ? 4 : 3);
      const x = inputAt(inputs, 0, 'input');
      const w = weightOf(inputs, attrs);
      requireParameters([x, w, ...inputs.slice(2, 3)], ['input', 'weight', 'bias']);
      requireChannelsTogether(x, 'input', attrs);
      const { output } = convolutionOf(x, w, attrs);
      if (attrs['weight_shape'] !== undefined)
        requireShape(inputAt(inputs, 1, 'weight'), [packedWeights(x.dtype, w, output, attrs, 'apart')], 'weight');
      if (inputs[2]) requireShape(inputs[2], w.shape.slice(0, 1), 'bias');
      if (inputs[3]) {
        requireSameDtype([x, inputs[3]], ['input', 'residual']);
        requireShape(inputs[3], output, 'residual');
      }
      activationOf(attrs);
      return [tensorType(x.dtype, output)];
    },

    evaluate(inputs, attrs) {
      const x = inputAt(inputs, 0, 'input');
      const w = inputAt(inputs, 1, 'weight');
      const [, , bias, residual] = inputs;
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
      if (residual) for (let o = 0; o < y.length; o++) y[o] = (y[o] as number) + (residual.data[o] as number);
      const bounds = activationOf(attrs);
      return [bounds ? y.map((value) => bounded(value, bounds)) : y];
    },

    grad({ b, node, outputGrads, wants }) {
      if (node.attrs.activation !== undefined || node.inputs.length > 3)
        throw new InternalError('conv is differentiated before its epilogue is fused');
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
      const extra = inputs.length - 2 + (activationOf(attrs) ? 1 : 0);
      return { flops: convolutionFlops(output, weightOf(inputs, attrs).shape) + extra * elementCount(output) };
    },

    workspace(inputs, outputs, attrs) {
      return forwardWorkspace(inputAt(outputs, 0, 'output'), weightOf(inputs, attrs), inputs.length > 2, attrs);
    },

    samples: [
      ...[...CONVOLUTION_SAMPLES, ...CHANNELS_LAST_SAMPLES, ...BF16_SAMPLES].map(sampleOf),
      ...[...CHANNELS_LAST_SAMPLES, ...BF16_SAMPLES].map(withResidual).filter((_, i) => i % 5 < 3),
      fused,
    ],
  }),
);
