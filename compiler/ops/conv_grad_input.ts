/** The gradient of a convolution with respect to its image: also what others call a transposed convolution. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt, integersAttr, requireArity, requireSameDtype, requireShape } from './attributes';
import { defineOp } from './define';
import { convolutionFlops, convolutionOf, forEachProduct, sharedAttrs } from './families/convolution';
import { CONVOLUTION_SAMPLES } from './families/convolution-samples';
import { gradInputWorkspace } from './families/convolution-workspace';

export const conv_grad_input = defineOp({
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
    requireSameDtype(inputs, ['gradient', 'weight']);
    const dy = inputAt(inputs, 0, 'gradient');
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
    forEachProduct(shape, w.type.shape, convolution, (o, i, r) => {
      dx[i] = (dx[i] as number) + (dy.data[o] as number) * (w.data[r] as number);
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

  workspace(inputs, _outputs, attrs) {
    return gradInputWorkspace(inputAt(inputs, 1, 'weight'), attrs);
  },

  samples: CONVOLUTION_SAMPLES.map(({ name, x, w, y, attrs }) => ({
    name,
    inputs: [tensorType('f32', y), tensorType('f32', w)],
    attrs: { ...attrs, input_shape: x },
  })),
});
