/** Logic on bools. */
import { binary, unary } from '../families/elementwise';

export const and = binary({
  name: 'and',
  doc: 'y = a ∧ b.',
  takes: 'bool',
  commutative: true,
  apply: (a, b) => (a !== 0 && b !== 0 ? 1 : 0),
});

export const or = binary({
  name: 'or',
  doc: 'y = a ∨ b.',
  takes: 'bool',
  commutative: true,
  apply: (a, b) => (a !== 0 || b !== 0 ? 1 : 0),
});

export const not = unary({
  name: 'not',
  doc: 'y = ¬x: 1 where x is 0.',
  takes: 'bool',
  apply: (x) => (x === 0 ? 1 : 0),
});
