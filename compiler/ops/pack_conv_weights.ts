/** The weights of a convolution in the order in which its kernel reads them: made by a pass, never by a layer. */
import type { Attrs } from '../ir/graph';
import { elementCount, formatType, tensorType, type DType, type TensorType } from '../ir/types';
import { inputAt, integersAttr, requireArity } from './attributes';
import { defineOp, OpTypeError, type OpSample } from './define';
import { convolutionOf } from './families/convolution';
import {
  BF16_SAMPLES,
  CHANNELS_LAST_SAMPLES,
  CONVOLUTION_SAMPLES,
  type ConvolutionSample,
} from './families/convolution-samples';
import { packedWeights } from './families/convolution-workspace';
import { inEitherLayout } from './families/layout';
import { requireChannelsTogether } from './families/storage';

/** What the images of the convolution are stored as: packed weights are as they are. */
function packedDType(w: TensorType, attrs: Attrs): DType {
  const dtype = attrs['dtype'] ?? w.dtype;
  if (dtype === w.dtype) return dtype;
  if (dtype === 'bf16' && w.dtype === 'f32') return dtype;
  throw new OpTypeError(`attribute 'dtype' is ${JSON.stringify(dtype)} for a weight of ${formatType(w)}`);
}

function sampleOf({ name, x, w, attrs, dtype }: ConvolutionSample): OpSample {
  return {
    name,
    inputs: [tensorType(dtype, x), tensorType('f32', w)],
    attrs: {},
    wrt: [],
    build: (b, [image, weight]) => {
      const stored = dtype === 'f32' ? {} : { dtype };
      const packed = b.op('pack_conv_weights', [weight!], { ...attrs, ...stored, input_shape: x });
      return [b.op('conv', [image!, packed], { ...attrs, weight_shape: w })];
    },
  };
}

const images = { inputs: [], outputs: [] };

export const pack_conv_weights = defineOp(
  inEitherLayout(images, {
    name: 'pack_conv_weights',
    doc:
      'The weights [K,C/groups,…] for a `conv` of these attributes over inputs of `input_shape`, whose `weight_shape` says ' +
      'that it takes them so. `dtype` is that of its images (f32 without). Their order is the kernel’s own; here, the one ' +
      'they come in, with zeros behind.',
    inputs: ['w'],
    outputs: ['packed'],
    native: 'kernel',
    traits: {},

    infer(inputs, attrs) {
      requireArity(inputs, 1);
      const w = inputAt(inputs, 0, 'weight');
      const dtype = packedDType(w, attrs);
      const x = tensorType(dtype, integersAttr(attrs, 'input_shape'));
      const { output } = convolutionOf(x, w, attrs);
      requireChannelsTogether(x, 'input', attrs);
      return [tensorType(dtype, [packedWeights(dtype, w, output, attrs, 'apart')])];
    },

    evaluate(inputs, _attrs, [type]) {
      const packed = new Float64Array(type ? elementCount(type.shape) : 0);
      packed.set(inputAt(inputs, 0, 'weight').data);
      return [packed];
    },

    cost(inputs) {
      return { flops: elementCount(inputAt(inputs, 0, 'weight').shape) };
    },

    // What it gives is compared through the convolutions that read it.
    samples: [...CONVOLUTION_SAMPLES, ...CHANNELS_LAST_SAMPLES, ...BF16_SAMPLES].map(sampleOf),
  }),
);
