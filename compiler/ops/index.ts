/** Every op of the compiler, by name. A new op is one file and one line here (element-wise ones: in their own index). */
import { accumulate } from './accumulate';
import { argmax } from './argmax';
import { attention } from './attention';
import { attention_grad } from './attention_grad';
import { avg_pool } from './avg_pool';
import { avg_pool_grad } from './avg_pool_grad';
import { batch_norm_grad } from './batch_norm_grad';
import { batch_norm_train } from './batch_norm_train';
import { broadcast_to } from './broadcast_to';
import { cast } from './cast';
import { check_finite } from './check_finite';
import { clip_gradient } from './clip_gradient';
import { concat } from './concat';
import { cond } from './cond';
import { constant } from './constant';
import { conv } from './conv';
import { conv_grad_input } from './conv_grad_input';
import { conv_grad_weight } from './conv_grad_weight';
import { ctc_loss } from './ctc_loss';
import { ctc_loss_grad } from './ctc_loss_grad';
import { cumprod } from './cumprod';
import { cumsum } from './cumsum';
import type { OpDef } from './define';
import { dropout } from './dropout';
import { ELEMENTWISE } from './elementwise/index';
import { fold_rng } from './fold_rng';
import { fused_batch_norm } from './fused_batch_norm';
import { fused_batch_norm_grad } from './fused_batch_norm_grad';
import { fused_cross_entropy } from './fused_cross_entropy';
import { fused_elementwise } from './fused_elementwise';
import { fused_matmul } from './fused_matmul';
import { gather } from './gather';
import { gather_elements } from './gather_elements';
import { in_top_k } from './in_top_k';
import { layer_norm } from './layer_norm';
import { layer_norm_grad } from './layer_norm_grad';
import { linear_recurrence } from './linear_recurrence';
import { log_softmax } from './log_softmax';
import { lrn } from './lrn';
import { lrn_grad } from './lrn_grad';
import { match_boxes } from './match_boxes';
import { matmul } from './matmul';
import { max_pool } from './max_pool';
import { max_pool_grad } from './max_pool_grad';
import { norm } from './norm';
import { non_max_suppression } from './non_max_suppression';
import { orthonormalize } from './orthonormalize';
import { pack_conv_weights } from './pack_conv_weights';
import { pack_matmul_weights } from './pack_matmul_weights';
import { pad } from './pad';
import { random_normal } from './random_normal';
import { random_uniform } from './random_uniform';
import { reduce_max } from './reduce_max';
import { reduce_min } from './reduce_min';
import { reduce_prod } from './reduce_prod';
import { reduce_sum } from './reduce_sum';
import { resample } from './resample';
import { reshape } from './reshape';
import { roi_align } from './roi_align';
import { roi_align_grad } from './roi_align_grad';
import { sample_image } from './sample_image';
import { sample_image_grad, sample_image_slope } from './sample_image_grad';
import { scan } from './scan';
import { scale_gradient } from './scale_gradient';
import { scatter_add } from './scatter_add';
import { scatter_elements_add } from './scatter_elements_add';
import { slice } from './slice';
import { softmax } from './softmax';
import { softmax_cross_entropy } from './softmax_cross_entropy';
import { softmax_cross_entropy_grad } from './softmax_cross_entropy_grad';
import { sort } from './sort';
import { stop_gradient } from './stop_gradient';
import { transpose } from './transpose';
import { while_loop } from './while';

export const OPS = {
  ...ELEMENTWISE,
  fused_cross_entropy,
  fused_elementwise,
  fused_matmul,
  cast,
  constant,
  // Shape
  reshape,
  transpose,
  broadcast_to,
  concat,
  slice,
  pad,
  // Indices
  gather,
  scatter_add,
  gather_elements,
  scatter_elements_add,
  resample,
  // Reductions
  reduce_sum,
  reduce_max,
  reduce_min,
  reduce_prod,
  accumulate,
  norm,
  argmax,
  attention,
  attention_grad,
  // Order and running totals
  sort,
  cumsum,
  cumprod,
  linear_recurrence,
  // Linear algebra
  matmul,
  orthonormalize,
  // Convolution and pooling
  conv,
  pack_conv_weights,
  pack_matmul_weights,
  conv_grad_input,
  conv_grad_weight,
  max_pool,
  max_pool_grad,
  avg_pool,
  avg_pool_grad,
  // Normalization
  batch_norm_train,
  batch_norm_grad,
  fused_batch_norm,
  fused_batch_norm_grad,
  layer_norm,
  layer_norm_grad,
  lrn,
  lrn_grad,
  // Classes
  softmax,
  log_softmax,
  softmax_cross_entropy,
  softmax_cross_entropy_grad,
  ctc_loss,
  ctc_loss_grad,
  in_top_k,
  // Images
  sample_image,
  sample_image_grad,
  sample_image_slope,
  // Detection
  match_boxes,
  non_max_suppression,
  roi_align,
  roi_align_grad,
  // Random numbers
  dropout,
  fold_rng,
  random_uniform,
  random_normal,
  // Control: these have regions
  scan,
  cond,
  while: while_loop,
  // Gradients
  stop_gradient,
  scale_gradient,
  clip_gradient,
  // Checks
  check_finite,
} as const satisfies Readonly<Record<string, OpDef>>;
