/** Arithmetic, reductions and searches. */
import type { LayerDef } from '../define';
import { argmax, argmin } from './arg';
import { cast } from './cast';
import { clip } from './clip';
import { equal, notEqual, less, lessEqual, greater, greaterEqual } from './comparisons';
import { constant, arange, parameter } from './constants';
import { logicalAnd, logicalOr, logicalXor, logicalNot } from './logical';
import { mod } from './mod';
import { exp, log, pow } from './powers';
import {
  reduceSum,
  reduceMean,
  reduceMax,
  reduceMin,
  reduceProd,
  reduceL1Norm,
  reduceL2Norm,
  reduceSumSquares,
  reduceLogSumExp,
  reduceVariance,
  reduceStd,
  reduceAny,
  reduceAll,
} from './reductions';
import { rescale } from './rescale';
import { floor, ceil, round } from './rounding';
import { scale, bias } from './scale';
import { standardize } from './standardize';
import { sin, cos, tan, asin, acos, atan, atan2, sinh, cosh, asinh, acosh, atanh } from './trigonometric';
import { abs, neg, sign, square, sqrt, rsqrt, reciprocal, expm1, log1p, erf, isNan, isFinite } from './unary';
import { where } from './where';
import { cumprod, cumsum } from './cumulative';
import { embedding } from './embedding';
import { gather, gatherElements } from './gather';
import { oneHot } from './one_hot';
import { scatter, scatterElements } from './scatter';
import { argsort, sort, topK } from './sort';

export const MATHS = {
  abs,
  neg,
  sign,
  square,
  sqrt,
  rsqrt,
  reciprocal,
  expm1,
  log1p,
  erf,
  is_nan: isNan,
  is_finite: isFinite,
  exp,
  log,
  pow,
  floor,
  ceil,
  round,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  atan2,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  mod,
  clip,
  equal,
  not_equal: notEqual,
  less,
  less_equal: lessEqual,
  greater,
  greater_equal: greaterEqual,
  logical_and: logicalAnd,
  logical_or: logicalOr,
  logical_xor: logicalXor,
  logical_not: logicalNot,
  where,
  cast,
  reduce_sum: reduceSum,
  reduce_mean: reduceMean,
  reduce_max: reduceMax,
  reduce_min: reduceMin,
  reduce_prod: reduceProd,
  reduce_l1_norm: reduceL1Norm,
  reduce_l2_norm: reduceL2Norm,
  reduce_sum_squares: reduceSumSquares,
  reduce_log_sum_exp: reduceLogSumExp,
  reduce_variance: reduceVariance,
  reduce_std: reduceStd,
  reduce_any: reduceAny,
  reduce_all: reduceAll,
  argmax,
  argmin,
  scale,
  bias,
  rescale,
  standardize,
  constant,
  arange,
  parameter,
  embedding,
  one_hot: oneHot,
  gather,
  gather_elements: gatherElements,
  scatter,
  scatter_elements: scatterElements,
  sort,
  argsort,
  top_k: topK,
  cumsum,
  cumprod,
} as const satisfies Readonly<Record<string, LayerDef>>;
