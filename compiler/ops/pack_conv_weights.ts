/** The weights of a convolution in the order in which its kernel reads them: made by a pass, never by a layer. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt, integersAttr, requireArity } from './attributes';
import { defineOp } from './define';
import { convolutionOf } from './families/convolution';
import { CONVOLUTION_SAMPLES } from './families/convolution-samples';
import { packedWeights } from './families/convolution-workspace';

export const pack_conv_weights = defineOp({
  name: 'pack_conv_weights',
  doc:
    'The weights [K,C/groups,…] for a `conv` of these attributes over inputs of `input_shape`, whose `weight_shape` says ' +
    'that it takes them so. Their order is the kernel’s own; here, the one they come in, with zeros behind.',
  inputs: ['w'],
  outputs: ['packed'],
  native: 'kernel',
  traits: {},

  infer(inputs, attrs) {
    requireArity(inputs, 1);
    const w = inputAt(inputs, 0, 'weight');
    convolutionOf(tensorType(w.dtype, integersAttr(attrs, 'input_shape')), w, attrs);
    return [tensorType(w.dtype, [packedWeights(w, attrs)])];
  },

  evaluate(inputs, attrs) {
    const w = inputAt(inputs, 0, 'weight');
    const packed = new Float64Array(packedWeights(w.type, attrs));
    packed.set(w.data);
    return [packed];
  },

  cost(inputs) {
    return { flops: elementCount(inputAt(inputs, 0, 'weight').shape) };
  },

  // What it gives is compared through the convolutions that read it.
  samples: CONVOLUTION_SAMPLES.map(({ name, x, w, attrs }) => ({
    name,
    inputs: [tensorType('f32', x), tensorType('f32', w)],
    attrs: {},
    wrt: [],
    build: (b, [image, weight]) => {
      const packed = b.op('pack_conv_weights', [weight!], { ...attrs, input_shape: x });
      return [b.op('conv', [image!, packed], { ...attrs, weight_shape: w })];
    },
  })),
});
