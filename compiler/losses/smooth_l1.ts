/** Absolute error, rounded off at zero. */
import { numberOf } from '../layers/fields';
import { huberOf } from './huber';
import { defineRegression } from './regression';

export const smoothL1 = defineRegression({
  type: 'smooth_l1',
  summary: 'Absolute error, rounded off below `beta`: the usual loss of box coordinates.',
  details:
    "With e = prediction − target: ½e²/β where |e| < β, |e| − ½β beyond (Girshick 2015), as in PyTorch. The `sigma` of Caffe's SmoothL1Loss is 1/√β. β = 0 would be `mae`.",
  fields: {
    beta: { description: 'Where the two parts meet.', type: 'number', exclusiveMinimum: 0, default: 1 },
  },
  variants: [{ beta: 0.25 }],
  term(m, x, t, { fields }) {
    const beta = numberOf(fields, 'beta');
    return m.mul(1 / beta, huberOf(m, m.sub(x, t), beta));
  },
});
