/** Every learning-rate schedule, by its name in a model file. A new one is one file and one line here. */
import { constant } from './constant';
import { cosine } from './cosine';
import type { ScheduleDef } from './define';
import { exponential } from './exponential';
import { inverse } from './inverse';
import { multistep } from './multistep';
import { poly, polynomial } from './polynomial';
import { step } from './step';

export const SCHEDULES = {
  constant,
  step,
  multistep,
  inverse,
  polynomial,
  poly,
  exponential,
  cosine,
} as const satisfies Readonly<Record<string, ScheduleDef>>;
