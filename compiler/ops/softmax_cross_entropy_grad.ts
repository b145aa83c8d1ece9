/** The gradient of softmax cross-entropy with respect to its logits. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt, integerAttr, numberAttr, requireArity, requireShape } from './attributes';
import { defineOp, type OpSample } from './define';
import { forEachLine, viewAround, withoutAxis } from './families/channels';
import { CROSS_ENTROPY_SAMPLES, checkCrossEntropy, labelAt, sampleInputs } from './families/cross-entropy';
import { withBfloat16 } from './families/images-samples';
import { logSoftmaxOf } from './families/softmax';
import { requireParameters } from './families/storage';

const FLOAT_SAMPLES = CROSS_ENTROPY_SAMPLES.map((sample): OpSample => {
  const { logits, labels, classWeights } = sampleInputs(sample);
  return {
    name: sample.name,
    inputs: [logits, labels, tensorType('f32', labels.shape), ...(classWeights ? [classWeights] : [])],
    attrs: sample.attrs,
    range: [-3, 3] as const,
    values: { 1: sample.labels, ...(sample.classWeights && { 3: sample.classWeights }) },
  };
});

export const CROSS_ENTROPY_GRAD_SAMPLES = [...FLOAT_SAMPLES, ...FLOAT_SAMPLES.map((each) => withBfloat16(each, [0]))];

export const softmax_cross_entropy_grad = defineOp({
  name: 'softmax_cross_entropy_grad',
  doc:
    'dlogits[c] = dloss · ((1−s)·w[l]·(p[c] − onehot[c]) + s/C · (p[c]·Σ w − w[c])), 0 where the label is ignored; ' +
    'letters as in softmax_cross_entropy. dloss has the shape of the labels.',
  inputs: ['logits', 'labels', 'dloss', 'class_weights?'],
  outputs: ['dlogits'],
  native: 'kernel',
  traits: { checks: true, inPlace: [[0, 0]] },

  infer(inputs, attrs) {
    requireArity(inputs, 3, 4);
    const logits = inputAt(inputs, 0, 'logits');
    const dloss = inputAt(inputs, 2, 'gradient');
    checkCrossEntropy(logits, inputAt(inputs, 1, 'labels'), inputs[3], attrs);
    requireParameters([logits, dloss], ['logits', 'gradient']);
    requireShape(dloss, withoutAxis(logits.shape, integerAttr(attrs, 'axis')), 'gradient');
    return [logits];
  },

  evaluate(inputs, attrs) {
    const logits = inputAt(inputs, 0, 'logits');
    const labels = inputAt(inputs, 1, 'labels').data;
    const dloss = inputAt(inputs, 2, 'gradient').data;
    const weights = inputs[3]?.data;
    const axis = integerAttr(attrs, 'axis');
    const smoothing = numberAttr(attrs, 'label_smoothing');
    const view = viewAround(logits.type.shape, axis);
    const share = smoothing / view.extent;
    const total = weights ? weights.reduce((sum, w) => sum + w, 0) : view.extent;
    const logp = logSoftmaxOf(logits, axis);
    const dlogits = new Float64Array(logits.data.length);
    forEachLine(view, (start, step, line) => {
      const label = labelAt(labels, line, view.extent, attrs);
      if (label === undefined) return;
      const weightOf = (c: number) => (weights ? (weights[c] as number) : 1);
      const sharp = (1 - smoothing) * weightOf(label);
      for (let c = 0; c < view.extent; c++) {
        const p = Math.exp(logp[start + c * step] as number);
        const slope = sharp * (p - (c === label ? 1 : 0)) + share * (p * total - weightOf(c));
        dlogits[start + c * step] = (dloss[line] as number) * slope;
      }
    });
    return [dlogits];
  },

  cost(inputs) {
    return { flops: 18 * elementCount(inputAt(inputs, 0, 'logits').shape) };
  },

  samples: CROSS_ENTROPY_GRAD_SAMPLES,
});
