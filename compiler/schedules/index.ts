/** Every schedule, by its name in a model file. A new one is one file and one line here. */
import { chainOf } from './chain';
import { constant } from './constant';
import { cosine, cosineRestarts, flatCosine } from './cosine';
import { cyclic, oneCycle } from './cyclic';
import type { ScheduleDef } from './define';
import { exponential } from './exponential';
import { expression } from './expression';
import { inverse, inverseSqrt, inverseTime } from './inverse';
import { multistep } from './multistep';
import { piecewise } from './piecewise';
import { plateau } from './plateau';
import { linear, poly, polynomial } from './polynomial';
import { sigmoid } from './sigmoid';
import { step } from './step';
import { wsd } from './wsd';

/** Functions of the step alone, which `chain` may be made of. */
const PURE = {
  constant,
  step,
  multistep,
  piecewise,
  linear,
  polynomial,
  poly,
  exponential,
  inverse,
  inverse_time: inverseTime,
  inverse_sqrt: inverseSqrt,
  sigmoid,
  cosine,
  cosine_restarts: cosineRestarts,
  flat_cosine: flatCosine,
  one_cycle: oneCycle,
  cyclic,
  wsd,
  expression,
} as const satisfies Readonly<Record<string, ScheduleDef>>;

export const SCHEDULES = {
  ...PURE,
  plateau,
  chain: chainOf(PURE),
} as const satisfies Readonly<Record<string, ScheduleDef>>;
