/** The gradient of the normalization of rows, from the saved statistics. */
import { elementCount, tensorType } from '../ir/types';
import { booleanAttr, inputAt, integerAttr, requireArity, requireSameDtype, requireShape } from './attributes';
import { defineOp, type OpSample } from './define';
import { withBfloat16 } from './families/images-samples';
import { ROW_SAMPLES, rowsOf, rowsWorkspace } from './families/rows';
import { parameterDType, requireParameters } from './families/storage';

const SAMPLES = ROW_SAMPLES.map(({ name, x, attrs, affine }): OpSample => {
  const axis = integerAttr(attrs, 'axis');
  const image = tensorType('f32', x);
  const statistics = tensorType('f32', x.slice(0, axis));
  const gamma = affine > 0 ? [tensorType('f32', x.slice(axis))] : [];
  return {
    name,
    inputs: [image, image, statistics, statistics, ...gamma],
    attrs,
    range: [
      [-1, 1],
      [-1, 1],
      [-0.5, 0.5],
      [0.5, 2],
      [0.5, 1.5],
    ],
  };
});

export const layer_norm_grad = defineOp({
  name: 'layer_norm_grad',
  doc:
    'With h = (x − mean)·rstd, g = gamma·dy and M elements a row: dx = rstd·(g − Σg/M − h·Σ(g·h)/M) with sums over the row, ' +
    'without Σg/M where center is false; dgamma = Σ dy·h and dbeta = Σ dy over the rows, for those with a gamma alone. ' +
    'dy and x alike, mean and rstd of the axes before axis, gamma of the others.',
  inputs: ['dy', 'x', 'mean', 'rstd', 'gamma?'],
  outputs: ['dx', 'dgamma', 'dbeta'],
  native: 'kernel',
  traits: { foldable: true, inPlace: [[0, 0]] },

  infer(inputs, attrs) {
    requireArity(inputs, 4, 5);
    const x = inputAt(inputs, 1, 'input');
    requireSameDtype(inputs.slice(0, 2), ['gradient', 'input']);
    requireParameters([x, ...inputs.slice(2)], ['input', 'mean', 'rstd', 'gamma']);
    const { outer, inner } = rowsOf(x, attrs);
    requireShape(inputAt(inputs, 0, 'gradient'), x.shape, 'gradient');
    requireShape(inputAt(inputs, 2, 'mean'), outer, 'mean');
    requireShape(inputAt(inputs, 3, 'rstd'), outer, 'rstd');
    if (!inputs[4]) return [x];
    requireShape(inputs[4], inner, 'gamma');
    const parameter = tensorType(parameterDType(x.dtype), inner);
    return [x, parameter, parameter];
  },

  evaluate(inputs, attrs) {
    const dy = inputAt(inputs, 0, 'gradient').data;
    const x = inputAt(inputs, 1, 'input');
    const mean = inputAt(inputs, 2, 'mean').data;
    const rstd = inputAt(inputs, 3, 'rstd').data;
    const gamma = inputs[4]?.data;
    const { rows, width } = rowsOf(x.type, attrs);
    const center = booleanAttr(attrs, 'center');
    const dx = new Float64Array(x.data.length);
    const dgamma = new Float64Array(width);
    const dbeta = new Float64Array(width);
    for (let row = 0; row < rows; row++) {
      const start = row * width;
      const r = rstd[row] as number;
      const normalized = (i: number) => ((x.data[start + i] as number) - (mean[row] as number)) * r;
      const scaled = (i: number) => (dy[start + i] as number) * (gamma?.[i] ?? 1);
      let sum = 0;
      let product = 0;
      for (let i = 0; i < width; i++) {
        sum += scaled(i);
        product += scaled(i) * normalized(i);
        dgamma[i] = (dgamma[i] as number) + (dy[start + i] as number) * normalized(i);
        dbeta[i] = (dbeta[i] as number) + (dy[start + i] as number);
      }
      for (let i = 0; i < width; i++) {
        dx[start + i] = r * (scaled(i) - (center ? sum / width : 0) - (normalized(i) * product) / width);
      }
    }
    return gamma ? [dx, dgamma, dbeta] : [dx];
  },

  cost(inputs) {
    return { flops: 13 * elementCount(inputAt(inputs, 1, 'input').shape) };
  },

  workspace(inputs, _outputs, attrs) {
    return inputs.length > 4 ? rowsWorkspace(rowsOf(inputAt(inputs, 1, 'input'), attrs)) : 0;
  },

  samples: [...SAMPLES, ...SAMPLES.map((each) => withBfloat16(each, [0, 1]))],
});
