/** Trigonometric and hyperbolic functions, of radians. */
import { defineMerge } from '../merge/merge';
import { defineUnary } from './unary';

export const sin = defineUnary({ type: 'sin', summary: 'The sine of x radians.' });

export const cos = defineUnary({ type: 'cos', summary: 'The cosine of x radians.' });

export const tan = defineUnary({ type: 'tan', summary: 'The tangent of x radians.', range: [-1.2, 1.2] });

export const asin = defineUnary({
  type: 'asin',
  summary: 'The angle from −π/2 to π/2 with sine x.',
  range: [-0.9, 0.9],
});

export const acos = defineUnary({ type: 'acos', summary: 'The angle from 0 to π with cosine x.', range: [-0.9, 0.9] });

export const atan = defineUnary({ type: 'atan', summary: 'The angle from −π/2 to π/2 with tangent x.' });

export const sinh = defineUnary({ type: 'sinh', summary: 'The hyperbolic sine, (exp(x) − exp(−x)) / 2.' });

export const cosh = defineUnary({ type: 'cosh', summary: 'The hyperbolic cosine, (exp(x) + exp(−x)) / 2.' });

export const asinh = defineUnary({ type: 'asinh', summary: 'The inverse of the hyperbolic sine.' });

export const acosh = defineUnary({ type: 'acosh', summary: 'The inverse of the hyperbolic cosine.', range: [1.1, 4] });

export const atanh = defineUnary({ type: 'atanh', summary: 'The inverse of tanh.', range: [-0.9, 0.9] });

export const atan2 = defineMerge({
  type: 'atan2',
  arity: [2, 2],
  summary: 'The angle from −π to π of the point whose ordinate is the first input and whose abscissa is the second.',
  example: '{name: angle, type: atan2, inputs: [y, x]}',
});
