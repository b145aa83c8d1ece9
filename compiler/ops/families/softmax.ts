/** The exponentials that softmax, its logarithm and the cross-entropy are made of, shifted by the maximum so that none overflows. */
import type { Attrs } from '../../ir/graph';
import type { TensorType } from '../../ir/types';
import { elementCount, tensorType } from '../../ir/types';
import { axisAttr, inputAt, requireArity, requireFloat } from '../attributes';
import type { OpCost, OpSample, RefTensor } from '../define';
import { forEachLine, viewAround } from './channels';

/** log(softmax(x)) along an axis: x - max - log Σ exp(x - max). */
export function logSoftmaxOf(x: RefTensor, axis: number): Float64Array {
  const view = viewAround(x.type.shape, axis);
  const result = new Float64Array(x.data.length);
  forEachLine(view, (start, step) => {
    let max = -Infinity;
    for (let c = 0; c < view.extent; c++) max = Math.max(max, x.data[start + c * step] as number);
    let sum = 0;
    for (let c = 0; c < view.extent; c++) sum += Math.exp((x.data[start + c * step] as number) - max);
    const logSum = Math.log(sum);
    for (let c = 0; c < view.extent; c++) {
      const at = start + c * step;
      result[at] = (x.data[at] as number) - max - logSum;
    }
  });
  return result;
}

export function inferAlongAxis(inputs: readonly TensorType[], attrs: Attrs): readonly TensorType[] {
  requireArity(inputs, 1);
  const x = inputAt(inputs, 0, 'input');
  requireFloat(x, 'input');
  axisAttr(attrs, 'axis', x.shape.length);
  return [x];
}

/** An exponential counts as ten operations. */
export function softmaxCost(inputs: readonly TensorType[]): OpCost {
  return { flops: 14 * elementCount(inputAt(inputs, 0, 'input').shape) };
}

export const SOFTMAX_SAMPLES: readonly OpSample[] = [
  { name: 'rows', inputs: [tensorType('f32', [4, 10])], attrs: { axis: 1 } },
  { name: 'one row', inputs: [tensorType('f32', [7])], attrs: { axis: 0 } },
  { name: 'first axis', inputs: [tensorType('f32', [5, 3])], attrs: { axis: 0 } },
  { name: 'per pixel', inputs: [tensorType('f32', [2, 3, 4, 5])], attrs: { axis: 1 } },
  { name: 'last of four axes', inputs: [tensorType('f32', [2, 3, 2, 17])], attrs: { axis: 3 } },
  { name: 'one class', inputs: [tensorType('f32', [3, 1])], attrs: { axis: 1 } },
  { name: 'wide range', inputs: [tensorType('f32', [2, 33])], attrs: { axis: 1 }, range: [-20, 20] },
  {
    name: 'far from zero',
    inputs: [tensorType('f32', [2, 3])],
    attrs: { axis: 1 },
    values: { 0: [1000, 1001, 1002, -1000, -1001, -1003] },
  },
];
