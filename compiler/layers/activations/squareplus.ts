/** An algebraic softplus. */
import { numberOf } from '../fields';
import { defineActivation } from './elementwise';

export const squareplus = defineActivation({
  type: 'squareplus',
  summary: '(x + √(x² + b)) / 2, a smooth relu without exponentials.',
  details:
    'Barron 2021. Below 0 it is computed as b / 2 / (√(x² + b) − x), which is the same and does not cancel to nothing.',
  example: '{name: act1, type: squareplus, b: 4}',
  fields: {
    b: { description: 'Width of the bend.', type: 'number', exclusiveMinimum: 0, default: 4 },
  },
  cases: [{ b: 4 }, { b: 0.3 }],
  apply({ fields }, x, m) {
    const b = numberOf(fields, 'b');
    const root = m.op('sqrt', m.add(m.square(x), b));
    const isNegative = m.op('less', x, 0);
    const left = m.div(b / 2, m.sub(root, m.where(isNegative, x, 0)));
    return m.where(isNegative, left, m.mul(m.add(x, root), 0.5));
  },
});
