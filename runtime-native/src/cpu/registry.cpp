// Every kernel of the CPU by op name: the one list. A new kernel is its file and two lines here, in alphabetical order.
#include <iterator>

#include "kernel.h"

namespace dlc {

#define DLC_CPU_KERNELS(K) \
  K(check_finite) \
  K(conv) \
  K(conv_grad_input) \
  K(conv_grad_weight) \
  K(matmul)

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
