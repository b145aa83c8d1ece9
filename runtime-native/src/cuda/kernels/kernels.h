// What the families share, for their .cpp files: each writes launches of the templates in the .cu file beside it.
#pragma once

#include "cuda/writer.h"
#include "status.h"

namespace dlc::cuda {

#define DLC_CUDA_KERNELS(K)     \
  K(accumulate)                 \
  K(argmax)                     \
  K(avg_pool)                   \
  K(avg_pool_grad)              \
  K(batch_norm_grad)            \
  K(batch_norm_train)           \
  K(broadcast_to)               \
  K(cast)                       \
  K(check_finite)               \
  K(concat)                     \
  K(conv)                       \
  K(conv_grad_input)            \
  K(conv_grad_weight)           \
  K(cumprod)                    \
  K(cumsum)                     \
  K(dropout)                    \
  K(fold_rng)                   \
  K(fused_cross_entropy)        \
  K(fused_elementwise)          \
  K(gather)                     \
  K(gather_elements)            \
  K(in_top_k)                   \
  K(layer_norm)                 \
  K(layer_norm_grad)            \
  K(linear_recurrence)          \
  K(log_softmax)                \
  K(lrn)                        \
  K(lrn_grad)                   \
  K(matmul)                     \
  K(max_pool)                   \
  K(max_pool_grad)              \
  K(norm)                       \
  K(orthonormalize)             \
  K(pad)                        \
  K(random_normal)              \
  K(random_uniform)             \
  K(reduce_max)                 \
  K(reduce_min)                 \
  K(reduce_prod)                \
  K(reduce_sum)                 \
  K(resample)                   \
  K(sample_image)               \
  K(sample_image_grad)          \
  K(sample_image_slope)         \
  K(scatter_add)                \
  K(scatter_elements_add)       \
  K(slice)                      \
  K(softmax)                    \
  K(softmax_cross_entropy)      \
  K(softmax_cross_entropy_grad) \
  K(sort)                       \
  K(transpose)

#define DLC_DECLARE(name) void emit_##name(const StepArgs &args, Writer &writer);
DLC_CUDA_KERNELS(DLC_DECLARE)
#undef DLC_DECLARE

// y, dense, of elements of x that lie so.
void copy_strided(Writer &writer, const Tensor &x, const Tensor &y, const std::vector<int64_t> &strides, int64_t base);

// The bytes of a number in a dtype, as an integer.
uint64_t bits_of(double value, dlc_dtype dtype);

// The kernels know images with channels first, and weights as they are.
void require_plain(const Attrs &attrs);

}  // namespace dlc::cuda
