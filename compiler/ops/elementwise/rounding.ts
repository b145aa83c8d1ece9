/** Rounding to whole numbers. All are flat almost everywhere, so their gradients are 0. */
import { unary } from '../families/elementwise';

export const floor = unary({
  name: 'floor',
  doc: 'y = the largest whole number ≤ x. Gradient: 0.',
  takes: 'float',
  apply: Math.floor,
  range: [-4, 4],
  separated: true,
  grad: () => undefined,
});

export const ceil = unary({
  name: 'ceil',
  doc: 'y = the smallest whole number ≥ x. Gradient: 0.',
  takes: 'float',
  apply: Math.ceil,
  range: [-4, 4],
  separated: true,
  grad: () => undefined,
});

export const round = unary({
  name: 'round',
  doc: 'y = the nearest whole number, halves to the even one (IEEE 754, as NumPy). Gradient: 0.',
  takes: 'float',
  apply: roundHalfEven,
  range: [-4, 4],
  separated: true,
  grad: () => undefined,
});

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}
