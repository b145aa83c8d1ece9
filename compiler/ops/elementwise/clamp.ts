/** Holding a value between two bounds. */
import { commonDType, elementwise } from '../families/elementwise';

/** Bounds that never cross. */
const RANGE = [
  [-2, 2],
  [-1, -0.1],
  [0.1, 1],
] as const;

export const clamp = elementwise({
  name: 'clamp',
  doc:
    'y = low where x ≤ low, else high where x ≥ high, else x; NaN stays. Gradients: g to the one of the three that y is; ' +
    'at a bound to the bound. What x gets follows from y alone, so x need not be kept.',
  inputs: ['x', 'low', 'high'],
  apply: (x, low, high) => (x <= low ? low : x >= high ? high : x),
  dtypeOf: (inputs) => commonDType('number', inputs),
  grad: [
    (m, g, { b: low, c: high, y }) => m.where(m.op('or', m.op('less_equal', y, low), m.greaterEqual(y, high)), 0, g),
    (m, g, { a: x, b: low }) => m.where(m.op('less_equal', x, low), g, 0),
    (m, g, { a: x, b: low, c: high }) => m.where(m.op('less_equal', x, low), 0, m.where(m.greaterEqual(x, high), g, 0)),
  ],
  samples: [
    { inputs: [f32([33, 31]), f32([]), f32([])], range: RANGE, separated: true },
    { inputs: [f32([2, 3, 4]), f32([3, 1]), f32([4])], range: RANGE, separated: true },
  ],
});

function f32(shape: readonly number[]) {
  return { dtype: 'f32', shape } as const;
}
