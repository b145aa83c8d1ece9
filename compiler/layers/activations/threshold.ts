/** A hard threshold. */
import { numberOf } from '../fields';
import { defineActivation } from './elementwise';

export const threshold = defineActivation({
  type: 'threshold',
  summary: 'x where it is above the threshold, a fixed value elsewhere.',
  details:
    "As in PyTorch and Keras. With `above: 1` it gives 0 and 1, which is Caffe's Threshold; nothing is differentiable then.",
  example: '{name: act1, type: threshold, threshold: 0.1, value: 0}',
  fields: {
    threshold: { description: 'What is not above this is replaced.', type: 'number', default: 0 },
    value: { description: 'What stands for elements that are not above.', type: 'number', default: 0 },
    above: { description: 'What stands for elements above; default: they stay.', type: 'number' },
  },
  cases: [{ threshold: 0.1, value: 0 }, { threshold: -0.7, value: 3 }, { above: 1 }],
  apply({ fields }, x, m) {
    const above = fields['above'] === undefined ? x : numberOf(fields, 'above');
    return m.where(m.op('less_equal', x, numberOf(fields, 'threshold')), numberOf(fields, 'value'), above);
  },
});
