/** The ops that have a C, one line each. */
import type { Emitter } from '../emitter';
import { conv, conv_grad_input } from './conv';
import { fused_elementwise } from './elementwise';
import { matmul } from './matmul';
import { avg_pool, max_pool } from './pool';
import { log_softmax, softmax } from './softmax';

export const EMITTERS: Readonly<Record<string, Emitter>> = {
  avg_pool,
  conv,
  conv_grad_input,
  fused_elementwise,
  log_softmax,
  matmul,
  max_pool,
  softmax,
};
