/** What local response normalization and its gradient share: types, the channel windows and the samples. */
import type { Attrs } from '../../ir/graph';
import type { TensorType } from '../../ir/types';
import { formatType, tensorType } from '../../ir/types';
import { integerAttr, numberAttr, requireFloat } from '../attributes';
import type { OpSample, RefTensor } from '../define';
import { OpTypeError } from '../define';
import { forEachLine, viewAround } from './channels';

export interface Response {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
}

export function responseOf(x: TensorType, attrs: Attrs): Response {
  requireFloat(x, 'input');
  if (x.shape.length < 2) throw new OpTypeError(`the input is ${formatType(x)}, expected [N, C, …]`);
  return {
    size: integerAttr(attrs, 'size', 1),
    alpha: numberAttr(attrs, 'alpha'),
    beta: numberAttr(attrs, 'beta'),
    k: numberAttr(attrs, 'k'),
  };
}

/** k + alpha/size · Σ x² over the channels c − ⌊size/2⌋ … c + ⌊(size−1)/2⌋ that exist, for every element. */
export function scalesOf(x: RefTensor, { size, alpha, k }: Response): Float64Array {
  const view = viewAround(x.type.shape, 1);
  const scales = new Float64Array(x.data.length);
  forEachLine(view, (start, step) => {
    for (let c = 0; c < view.extent; c++) {
      let squares = 0;
      const last = Math.min(view.extent - 1, c + Math.floor((size - 1) / 2));
      for (let j = Math.max(0, c - Math.floor(size / 2)); j <= last; j++)
        squares += (x.data[start + j * step] as number) ** 2;
      scales[start + c * step] = k + (alpha / size) * squares;
    }
  });
  return scales;
}

export const RESPONSE_SAMPLES: readonly Pick<OpSample, 'name' | 'inputs' | 'attrs'>[] = [
  { name: "AlexNet's", inputs: [tensorType('f32', [2, 7, 3, 2])], attrs: { size: 5, alpha: 1e-4, beta: 0.75, k: 1 } },
  { name: 'strong', inputs: [tensorType('f32', [2, 9, 3, 3])], attrs: { size: 3, alpha: 2, beta: 0.75, k: 1 } },
  { name: 'even size', inputs: [tensorType('f32', [1, 6, 2, 3])], attrs: { size: 4, alpha: 1, beta: 0.5, k: 2 } },
  {
    name: 'more than the channels',
    inputs: [tensorType('f32', [2, 3, 4])],
    attrs: { size: 9, alpha: 1, beta: 1, k: 1 },
  },
  { name: 'one channel', inputs: [tensorType('f32', [3, 1, 2, 2])], attrs: { size: 5, alpha: 1, beta: 0.6, k: 1.5 } },
  { name: 'size one', inputs: [tensorType('f32', [2, 4])], attrs: { size: 1, alpha: 1, beta: 0.75, k: 1 } },
  { name: 'many channels', inputs: [tensorType('f32', [1, 33, 3, 5])], attrs: { size: 5, alpha: 1, beta: 0.75, k: 2 } },
];
