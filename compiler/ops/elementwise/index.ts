/** Every element-wise op: also the instructions that a `fused_elementwise` program may use. One line each. */
import type { ElementwiseOp } from '../families/elementwise';
import { add, sub } from './add';
import { equal, greater, greater_equal, less, less_equal, not_equal } from './comparisons';
import { erf } from './erf';
import { exp, expm1 } from './exp';
import { maximum, minimum } from './extremes';
import { is_finite, is_nan } from './finite';
import { acosh, asinh, atanh, cosh, sinh } from './hyperbolic';
import { log, log1p } from './log';
import { and, not, or } from './logical';
import { mod } from './mod';
import { div, mul } from './mul';
import { pow } from './pow';
import { relu } from './relu';
import { reciprocal, rsqrt, sqrt, square } from './roots';
import { clamp } from './clamp';
import { ceil, floor, round } from './rounding';
import { sigmoid } from './sigmoid';
import { abs, neg, sign } from './sign';
import { tanh } from './tanh';
import { acos, asin, atan, atan2, cos, sin, tan } from './trigonometric';
import { where } from './where';

export const ELEMENTWISE = {
  neg,
  abs,
  sign,
  exp,
  expm1,
  log,
  log1p,
  sqrt,
  rsqrt,
  square,
  reciprocal,
  floor,
  ceil,
  round,
  sigmoid,
  tanh,
  erf,
  relu,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  is_nan,
  is_finite,
  not,
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  pow,
  mod,
  atan2,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  and,
  or,
  where,
  clamp,
} as const satisfies Readonly<Record<string, ElementwiseOp>>;
