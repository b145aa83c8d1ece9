/** Softmax and cross-entropy against class labels in one op: neither overflows nor takes the logarithm of 0. */
import type { Builder } from '../ir/builder';
import type { Attrs, Value } from '../ir/graph';
import { elementCount, tensorType } from '../ir/types';
import { inputAt, integerAttr, numberAttr, requireArity } from './attributes';
import { defineOp, type OpSample } from './define';
import { Arithmetic } from './families/arithmetic';
import { forEachLine, viewAround, withoutAxis } from './families/channels';
import { CROSS_ENTROPY_SAMPLES, checkCrossEntropy, labelAt, sampleInputs } from './families/cross-entropy';
import { withBfloat16 } from './families/images-samples';
import { logSoftmaxOf } from './families/softmax';
import { parameterDType } from './families/storage';

const SAMPLES = CROSS_ENTROPY_SAMPLES.map((sample): OpSample => {
  const { logits, labels, classWeights } = sampleInputs(sample);
  return {
    name: sample.name,
    inputs: [logits, labels, ...(classWeights ? [classWeights] : [])],
    attrs: sample.attrs,
    range: [-3, 3] as const,
    values: { 1: sample.labels, ...(sample.classWeights && { 2: sample.classWeights }) },
  };
});

export const softmax_cross_entropy = defineOp({
  name: 'softmax_cross_entropy',
  doc:
    'With p = softmax(logits) along axis, l the label, w the class weights (1 without) and s the label smoothing: ' +
    'loss = −(1−s)·w[l]·log p[l] − s/C · Σ w[c]·log p[c] and weight = w[l]; both are 0 where l is ignore_index. ' +
    "A label outside 0..C−1 that is not ignored is a data error. Σ loss / Σ weight is PyTorch's mean. " +
    'Logits of any rank, labels and outputs of their shape without the axis, class weights [C].',
  inputs: ['logits', 'labels', 'class_weights?'],
  outputs: ['loss', 'weight'],
  native: 'kernel',
  traits: { checks: true },

  infer(inputs, attrs) {
    requireArity(inputs, 2, 3);
    const logits = inputAt(inputs, 0, 'logits');
    checkCrossEntropy(logits, inputAt(inputs, 1, 'labels'), inputs[2], attrs);
    const result = tensorType(parameterDType(logits.dtype), withoutAxis(logits.shape, integerAttr(attrs, 'axis')));
    return [result, result];
  },

  evaluate(inputs, attrs) {
    const logits = inputAt(inputs, 0, 'logits');
    const labels = inputAt(inputs, 1, 'labels').data;
    const weights = inputs[2]?.data;
    const axis = integerAttr(attrs, 'axis');
    const smoothing = numberAttr(attrs, 'label_smoothing');
    const view = viewAround(logits.type.shape, axis);
    const logp = logSoftmaxOf(logits, axis);
    const loss = new Float64Array(labels.length);
    const weight = new Float64Array(labels.length);
    forEachLine(view, (start, step, line) => {
      const label = labelAt(labels, line, view.extent, attrs);
      if (label === undefined) return;
      const weightOf = (c: number) => (weights ? (weights[c] as number) : 1);
      const term = (c: number) => -weightOf(c) * (logp[start + c * step] as number);
      let smooth = 0;
      if (smoothing > 0) for (let c = 0; c < view.extent; c++) smooth += term(c);
      loss[line] = (1 - smoothing) * term(label) + (smoothing / view.extent) * smooth;
      weight[line] = weightOf(label);
    });
    return [loss, weight];
  },

  grad({ b, node, outputGrads, wants }) {
    const [logits, labels, classWeights] = node.inputs;
    const [dloss, dweight] = outputGrads;
    if (!logits || !labels) return [];
    const inputs = classWeights ? [logits, labels, classWeights] : [logits, labels];
    return [
      wants[0] && dloss
        ? b.op('softmax_cross_entropy_grad', [logits, labels, dloss, ...inputs.slice(2)], node.attrs)
        : undefined,
      undefined,
      wants[2] && classWeights ? classWeightGrad(b, logits, labels, dloss, dweight, node.attrs) : undefined,
    ];
  },

  cost(inputs) {
    return { flops: 14 * elementCount(inputAt(inputs, 0, 'logits').shape) };
  },

  samples: [...SAMPLES, ...SAMPLES.map((each) => withBfloat16(each, [0]))],
});

/** Σ over all lines that count of dloss · −log p[c] · ((1−s)·onehot + s/C) + dweight · onehot, for each class c. */
function classWeightGrad(
  b: Builder,
  logits: Value,
  labels: Value,
  dloss: Value | undefined,
  dweight: Value | undefined,
  attrs: Attrs,
): Value | undefined {
  const axis = integerAttr(attrs, 'axis');
  const smoothing = numberAttr(attrs, 'label_smoothing');
  const { dtype, shape } = logits.type;
  const classes = shape[axis] ?? 0;
  const m = new Arithmetic(b, dtype);
  const kept = shape.map((extent, i) => (i === axis ? 1 : extent));
  const lines = (value: Value) => b.op('reshape', [value], { shape: kept });

  const column = lines(labels);
  const integer = labels.type.dtype;
  const numbers = b.constant(
    Array.from({ length: classes }, (_, c) => c),
    shape.map((_, i) => (i === axis ? classes : 1)),
    integer,
  );
  const onehot = b.op('cast', [m.equal(column, numbers)], { dtype });
  const counted = (value: Value): Value => {
    if (attrs.ignore_index === undefined) return value;
    const ignored = m.equal(column, b.full(integerAttr(attrs, 'ignore_index'), [], integer));
    return m.where(ignored, 0, value);
  };

  const terms: Value[] = [];
  if (dloss) {
    const target = m.add(m.mul(onehot, 1 - smoothing), smoothing / classes);
    const surprise = m.neg(b.op('log_softmax', [logits], { axis }));
    terms.push(counted(m.mul(lines(dloss), m.mul(surprise, target))));
  }
  if (dweight) terms.push(counted(m.mul(lines(dweight), onehot)));
  const [first, second] = terms;
  if (!first) return undefined;
  const axes = shape.map((_, i) => i).filter((i) => i !== axis);
  return b.op('reduce_sum', [second ? m.add(first, second) : first], { axes, keepdims: false });
}
