/** Normalization of rows: layer, group, instance and root-mean-square normalization are views around it. */
import type { Value } from '../ir/graph';
import { elementCount, tensorType } from '../ir/types';
import { booleanAttr, inputAt, integerAttr, numberAttr, requireArity, requireShape } from './attributes';
import { defineOp, type OpSample } from './define';
import { Arithmetic } from './families/arithmetic';
import { withBfloat16 } from './families/images-samples';
import { ROW_SAMPLES, rowsOf } from './families/rows';
import { parameterDType, requireParameters } from './families/storage';

const SAMPLES = ROW_SAMPLES.map(({ name, x, attrs, affine }): OpSample => {
  const row = tensorType('f32', x.slice(integerAttr(attrs, 'axis')));
  return {
    name,
    inputs: [tensorType('f32', x), row, row].slice(0, 1 + affine),
    attrs,
    range: [
      [-1, 2],
      [0.5, 1.5],
      [-1, 1],
    ],
  };
});

export const layer_norm = defineOp({
  name: 'layer_norm',
  doc:
    'y = gamma·h + beta with h = (x − mean)·rstd and rstd = 1/√(variance + epsilon), over the elements of each row: all axes ' +
    'from axis on. The variance is the biased one; without center the mean is taken to be 0, and the variance is the mean ' +
    'square. gamma and beta have the shape of a row, 1 and 0 if absent; mean and rstd that of the axes before. ' +
    'Ba et al., "Layer normalization" (2016); Zhang and Sennrich, "Root mean square layer normalization" (2019).',
  inputs: ['x', 'gamma?', 'beta?'],
  outputs: ['y', 'mean', 'rstd'],
  native: 'kernel',
  traits: { foldable: true, inPlace: [[0, 0]] },

  infer(inputs, attrs) {
    requireArity(inputs, 1, 3);
    requireParameters(inputs, ['input', 'gamma', 'beta']);
    const x = inputAt(inputs, 0, 'input');
    const { outer, inner } = rowsOf(x, attrs);
    if (inputs[1]) requireShape(inputs[1], inner, 'gamma');
    if (inputs[2]) requireShape(inputs[2], inner, 'beta');
    const statistics = tensorType(parameterDType(x.dtype), outer);
    return [x, statistics, statistics];
  },

  evaluate(inputs, attrs) {
    const x = inputAt(inputs, 0, 'input');
    const { rows, width } = rowsOf(x.type, attrs);
    const center = booleanAttr(attrs, 'center');
    const epsilon = numberAttr(attrs, 'epsilon');
    const y = new Float64Array(x.data.length);
    const mean = new Float64Array(rows);
    const rstd = new Float64Array(rows);
    for (let row = 0; row < rows; row++) {
      const line = x.data.subarray(row * width, (row + 1) * width);
      const m = center ? line.reduce((sum, value) => sum + value, 0) / width : 0;
      const r = 1 / Math.sqrt(line.reduce((sum, value) => sum + (value - m) ** 2, 0) / width + epsilon);
      line.forEach((value, i) => {
        y[row * width + i] = (value - m) * r * (inputs[1]?.data[i] ?? 1) + (inputs[2]?.data[i] ?? 0);
      });
      mean[row] = m;
      rstd[row] = r;
    }
    return [y, mean, rstd];
  },

  grad({ b, node, outputGrads, wants }) {
    const [x, gamma] = node.inputs;
    const [, mean, rstd] = node.outputs;
    const [dy, dmean, drstd] = outputGrads;
    if (!x || !mean || !rstd) return [];
    const m = new Arithmetic(b, x.type.dtype);
    const axis = integerAttr(node.attrs, 'axis');
    const shape = x.type.shape.map((extent, i) => (i < axis ? extent : 1));
    const spread = (value: Value) => b.op('reshape', [value], { shape });
    const width = elementCount(x.type.shape.slice(axis));
    const inputs = gamma ? [x, mean, rstd, gamma] : [x, mean, rstd];
    const [dx, dgamma, dbeta] = dy ? b.ops('layer_norm_grad', [dy, ...inputs], node.attrs) : [];
    // What flows in through the statistics themselves: d mean / dx = 1/M, d rstd / dx = −rstd³ (x − mean) / M.
    const terms = [dx];
    if (wants[0] && dmean && node.attrs.center === true) terms.push(m.mul(spread(dmean), 1 / width));
    if (wants[0] && drstd) {
      const slope = m.mul(spread(m.mul(drstd, m.mul(rstd, m.square(rstd)))), -1 / width);
      terms.push(m.mul(m.sub(x, spread(mean)), slope));
    }
    const [first, ...rest] = terms.filter((term) => term !== undefined);
    const total = first && rest.reduce((sum, term) => m.add(sum, term), first);
    const whole = total && total.type.shape.some((extent, i) => extent !== x.type.shape[i]);
    return [whole ? b.op('broadcast_to', [total], { shape: x.type.shape }) : total, dgamma, dbeta];
  },

  cost(inputs) {
    return { flops: 8 * elementCount(inputAt(inputs, 0, 'input').shape) };
  },

  samples: [...SAMPLES, ...SAMPLES.map((each) => withBfloat16(each, [0]))],
});
