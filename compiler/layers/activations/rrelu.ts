/** A rectifier whose slope below zero is drawn anew for each element in training. */
import { numberOf } from '../fields';
import { defineActivation } from './elementwise';

export const rrelu = defineActivation({
  type: 'rrelu',
  summary: 'x where it is positive, slope · x elsewhere, with random slopes in training and their mean elsewhere.',
  details: 'Each element draws its slope evenly from [lower, upper) (Xu et al. 2015), as in PyTorch.',
  example: '{name: act1, type: rrelu, lower: 0.125, upper: 0.375}',
  fields: {
    lower: { description: 'Smallest slope.', type: 'number', default: 1 / 8 },
    upper: { description: 'Largest slope.', type: 'number', default: 1 / 3 },
  },
  cases: [{ lower: 0.125, upper: 0.375 }, {}, { lower: 0.25, upper: 0.25 }],
  apply(context, x, m) {
    const { b, fields, mode } = context;
    const [lower, upper] = [numberOf(fields, 'lower'), numberOf(fields, 'upper')];
    if (lower > upper) context.fail(['lower'], `lower ${lower} is above upper ${upper}`);
    const drawn = mode === 'train' && lower < upper;
    const { shape } = x.type;
    const slope = drawn
      ? b.op('random_uniform', [context.rng()], { shape, low: lower, high: upper, stream: context.stream('rrelu') })
      : (lower + upper) / 2;
    return m.where(m.greater(x, 0), x, m.mul(x, slope));
  },
});
