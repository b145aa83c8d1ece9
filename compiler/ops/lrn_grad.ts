/** The gradient of local response normalization. */
import { elementCount } from '../ir/types';
import { inputAt, integerAttr, requireArity, requireSameDtype, requireShape } from './attributes';
import { defineOp } from './define';
import { forEachLine, viewAround } from './families/channels';
import { RESPONSE_SAMPLES, responseOf, scalesOf } from './families/response';

export const lrn_grad = defineOp({
  name: 'lrn_grad',
  doc:
    'dx[c] = dy[c]·s[c]^−beta − 2·alpha·beta/size · x[c] · Σ dy[j]·x[j]·s[j]^(−beta−1) over the channels j whose window ' +
    'holds c, with s as in lrn. dy and x of one shape [N,C,…].',
  inputs: ['dy', 'x'],
  outputs: ['dx'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs, attrs) {
    requireArity(inputs, 2);
    requireSameDtype(inputs, ['gradient', 'input']);
    const x = inputAt(inputs, 1, 'input');
    responseOf(x, attrs);
    requireShape(inputAt(inputs, 0, 'gradient'), x.shape, 'gradient');
    return [x];
  },

  evaluate(inputs, attrs) {
    const dy = inputAt(inputs, 0, 'gradient').data;
    const x = inputAt(inputs, 1, 'input');
    const response = responseOf(x.type, attrs);
    const { size, alpha, beta } = response;
    const scales = scalesOf(x, response);
    const view = viewAround(x.type.shape, 1);
    const dx = new Float64Array(x.data.length);
    forEachLine(view, (start, step) => {
      for (let c = 0; c < view.extent; c++) {
        const at = start + c * step;
        let sum = 0;
        // j's window reaches ⌊size/2⌋ down and ⌊(size−1)/2⌋ up; seen from c it is the other way round.
        const last = Math.min(view.extent - 1, c + Math.floor(size / 2));
        for (let j = Math.max(0, c - Math.floor((size - 1) / 2)); j <= last; j++) {
          const other = start + j * step;
          sum += (dy[other] as number) * (x.data[other] as number) * (scales[other] as number) ** (-beta - 1);
        }
        const direct = (dy[at] as number) * (scales[at] as number) ** -beta;
        dx[at] = direct - ((2 * alpha * beta) / size) * (x.data[at] as number) * sum;
      }
    });
    return [dx];
  },

  cost(inputs, _outputs, attrs) {
    return { flops: elementCount(inputAt(inputs, 1, 'input').shape) * (3 * integerAttr(attrs, 'size') + 47) };
  },

  samples: RESPONSE_SAMPLES.map((sample) => ({ ...sample, inputs: [...sample.inputs, ...sample.inputs] })),
});
