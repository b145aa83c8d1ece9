/** Comparisons: bools from two tensors of one dtype. A comparison with NaN is false, except `not_equal`. */
import { binary } from '../families/elementwise';

export const equal = binary({
  name: 'equal',
  doc: 'y = (a = b).',
  takes: 'any',
  gives: 'bool',
  commutative: true,
  apply: (a, b) => (a === b ? 1 : 0),
  samples: [ties('equal')],
});

export const not_equal = binary({
  name: 'not_equal',
  doc: 'y = (a ≠ b).',
  takes: 'any',
  gives: 'bool',
  commutative: true,
  apply: (a, b) => (a !== b ? 1 : 0),
  samples: [ties('not equal')],
});

export const less = binary({
  name: 'less',
  doc: 'y = (a < b).',
  takes: 'number',
  gives: 'bool',
  apply: (a, b) => (a < b ? 1 : 0),
  samples: [ties('less')],
});

export const less_equal = binary({
  name: 'less_equal',
  doc: 'y = (a ≤ b).',
  takes: 'number',
  gives: 'bool',
  apply: (a, b) => (a <= b ? 1 : 0),
  samples: [ties('at most')],
});

export const greater = binary({
  name: 'greater',
  doc: 'y = (a > b).',
  takes: 'number',
  gives: 'bool',
  apply: (a, b) => (a > b ? 1 : 0),
  samples: [ties('greater')],
});

export const greater_equal = binary({
  name: 'greater_equal',
  doc: 'y = (a ≥ b).',
  takes: 'number',
  gives: 'bool',
  apply: (a, b) => (a >= b ? 1 : 0),
  samples: [ties('at least')],
});

/** Integers from a small range, so that equal pairs occur. */
function ties(name: string) {
  const side = { dtype: 'i32', shape: [7, 9] } as const;
  return { name: `${name}, with ties`, inputs: [side, side], range: [0, 4] } as const;
}
