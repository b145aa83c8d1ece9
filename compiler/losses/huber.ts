/** Squared near zero, straight beyond: less drawn to outliers than a squared error. */
import type { Value } from '../ir/graph';
import { numberOf } from '../layers/fields';
import type { Formula } from './formula';
import { defineRegression } from './regression';

/** ½e² where |e| ≤ δ, δ·(|e| − δ/2) beyond; no branch squares what is large. */
export function huberOf(m: Formula, error: Value, delta: number): Value {
  const size = m.abs(error);
  const near = m.minimum(size, delta);
  return m.mul(near, m.sub(size, m.mul(0.5, near)));
}

export const huber = defineRegression({
  type: 'huber',
  summary: 'Squared error where it is small, absolute error beyond `delta`.',
  details:
    'With e = prediction − target: ½e² where |e| ≤ δ, δ · (|e| − ½δ) beyond (Huber 1964), as in Keras and PyTorch. `smooth_l1` is this divided by δ.',
  fields: {
    delta: { description: 'Where the two parts meet.', type: 'number', exclusiveMinimum: 0, default: 1 },
  },
  variants: [{ delta: 0.25 }],
  term: (m, x, t, { fields }) => huberOf(m, m.sub(x, t), numberOf(fields, 'delta')),
});
