// Every op that has a CUDA kernel: the list is DLC_CUDA_KERNELS, in alphabetical order.
#include <algorithm>

#include "cuda/kernels/kernels.h"

namespace dlc::cuda {

std::span<const EmitEntry> cuda_kernels() {
#define DLC_ENTRY(name) {#name, emit_##name},
  static constexpr EmitEntry entries[] = {DLC_CUDA_KERNELS(DLC_ENTRY)};
#undef DLC_ENTRY
  return entries;
}

Emit find_emit(std::string_view op) {
  const std::span<const EmitEntry> all = cuda_kernels();
  const auto at = std::find_if(all.begin(), all.end(), [&](const EmitEntry &entry) { return entry.op == op; });
  return at == all.end() ? nullptr : at->emit;
}

void require_plain(const Attrs &attrs) {
  if (attrs.string("layout", "") == "channels_last") unsupported(" with channels last");
  if (attrs.has("weight_shape")) unsupported(" with packed weights");
}

}  // namespace dlc::cuda
