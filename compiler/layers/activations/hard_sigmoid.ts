/** The logistic function in three straight pieces. */
import { numberOf } from '../fields';
import { defineActivation } from './elementwise';
import { hold } from './hold';

export const hardSigmoid = defineActivation({
  type: 'hard_sigmoid',
  summary: 'slope · x + offset, held between 0 and 1.',
  details:
    'The default is that of PyTorch and Keras 3, min(max(x / 6 + 0.5, 0), 1). Keras 2, Theano and ONNX have `slope: 0.2`.',
  example: '{name: gate, type: hard_sigmoid, slope: 0.2}',
  fields: {
    slope: { description: 'Slope of the middle piece.', type: 'number', exclusiveMinimum: 0, default: 1 / 6 },
    offset: { description: 'Value at 0.', type: 'number', default: 0.5 },
  },
  cases: [{ slope: 0.2 }, {}, { slope: 1.1, offset: 0.2 }],
  apply: ({ fields }, x, m) => hold(m, m.add(m.mul(x, numberOf(fields, 'slope')), numberOf(fields, 'offset')), 0, 1),
});
