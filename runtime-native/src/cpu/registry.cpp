// Every kernel of the CPU by op name: the one list. A new kernel is its file and two lines here, in alphabetical order.
#include <iterator>

#include "kernel.h"

namespace dlc {

#define DLC_CPU_KERNELS(K)      \
  K(accumulate)                 \
  K(argmax)                     \
  K(attention)                  \
  K(attention_grad)             \
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
  K(ctc_loss)                   \
  K(ctc_loss_grad)              \
  K(cumprod)                    \
  K(cumsum)                     \
  K(dropout)                    \
  K(fold_rng)                   \
  K(pack_conv_weights)          \
  K(pack_matmul_weights)        \
  K(fused_batch_norm)           \
  K(fused_batch_norm_grad)      \
  K(fused_cross_entropy)        \
  K(fused_elementwise)          \
  K(fused_matmul)               \
  K(gather)                     \
  K(gather_elements)            \
  K(in_top_k)                   \
  K(layer_norm)                 \
  K(layer_norm_grad)            \
  K(linear_recurrence)          \
  K(log_softmax)                \
  K(lrn)                        \
  K(lrn_grad)                   \
  K(match_boxes)                \
  K(matmul)                     \
  K(max_pool)                   \
  K(max_pool_grad)              \
  K(norm)                       \
  K(non_max_suppression)        \
  K(orthonormalize)             \
  K(pad)                        \
  K(random_normal)              \
  K(random_uniform)             \
  K(reduce_max)                 \
  K(reduce_min)                 \
  K(reduce_prod)                \
  K(reduce_sum)                 \
  K(resample)                   \
  K(roi_align)                  \
  K(roi_align_grad)             \
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

#define DLC_DECLARE(name) std::unique_ptr<Kernel> make_##name(const KernelArgs &args);
DLC_CPU_KERNELS(DLC_DECLARE)
#undef DLC_DECLARE

std::span<const KernelEntry> cpu_kernels() {
#define DLC_ENTRY(name) {#name, make_##name},
  static constexpr KernelEntry entries[] = {DLC_CPU_KERNELS(DLC_ENTRY)};
#undef DLC_ENTRY
  return entries;
}

}  // namespace dlc
