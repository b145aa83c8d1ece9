/** The ops that have a C, one line each. */
import type { Emitter } from '../emitter';
import { attention } from './attention';
import { cast } from './cast';
import { conv, conv_grad_input } from './conv';
import { non_max_suppression, roi_align } from './detect';
import { fused_elementwise } from './elementwise';
import { gather, gather_elements, scatter_add, scatter_elements_add } from './gather';
import { matmul } from './matmul';
import { broadcast_to, concat, pad, slice, transpose } from './move';
import { batch_norm_train, layer_norm, lrn } from './normalize';
import { avg_pool, max_pool } from './pool';
import {
  argmax,
  cumprod,
  cumsum,
  linear_recurrence,
  norm,
  reduce_max,
  reduce_min,
  reduce_prod,
  reduce_sum,
} from './reduce';
import { resample, sample_image } from './sample';
import { log_softmax, softmax } from './softmax';
import { sort } from './sort';

export const EMITTERS: Readonly<Record<string, Emitter>> = {
  argmax,
  attention,
  avg_pool,
  batch_norm_train,
  broadcast_to,
  cast,
  concat,
  conv,
  conv_grad_input,
  cumprod,
  cumsum,
  fused_elementwise,
  gather,
  gather_elements,
  layer_norm,
  linear_recurrence,
  log_softmax,
  lrn,
  matmul,
  max_pool,
  non_max_suppression,
  norm,
  pad,
  reduce_max,
  reduce_min,
  reduce_prod,
  reduce_sum,
  resample,
  roi_align,
  sample_image,
  scatter_add,
  scatter_elements_add,
  slice,
  softmax,
  sort,
  transpose,
};
