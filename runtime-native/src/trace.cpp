// The executor's slow mode: one step that looks at every value, to find where a NaN or infinity first appears.
#include <cmath>
#include <cstdio>
#include <cstring>

#include "cpu_executor.h"

namespace dlc {
namespace {

// Position of the first value that is not finite, or -1.
int64_t first_non_finite(const Tensor &tensor, double &value) {
  const int64_t elements = tensor.elements();
  const auto find = [&](auto get) {
    for (int64_t i = 0; i < elements; ++i) {
      value = get(i);
      if (!std::isfinite(value)) return i;
    }
    return int64_t{-1};
  };
  switch (tensor.dtype) {
    case DLC_F32:
      return find([&](int64_t i) { return static_cast<double>(tensor.as<float>()[i]); });
    case DLC_F64:
      return find([&](int64_t i) { return tensor.as<double>()[i]; });
    case DLC_BF16:
      return find([&](int64_t i) {
        const uint32_t bits = static_cast<uint32_t>(tensor.as<uint16_t>()[i]) << 16;
        float wide;
        std::memcpy(&wide, &bits, sizeof wide);
        return static_cast<double>(wide);
      });
    default:
      return -1;
  }
}

}  // namespace

bool check_values(const Tensor &tensor, const char *what, char *message, size_t capacity) {
  if (!tensor.data) return true;
  double value = 0;
  const int64_t at = first_non_finite(tensor, value);
  if (at < 0) return true;
  std::snprintf(message, capacity, "%s '%s' holds %s at element %lld of %lld", what, tensor.name.c_str(),
                std::isnan(value) ? "NaN"
                : value > 0       ? "+infinity"
                                  : "-infinity",
                static_cast<long long>(at), static_cast<long long>(tensor.elements()));
  return false;
}

dlc_status CpuExecutor::trace_step(uint32_t index) {
  const PlanProgram &program = plan_.programs[index];
  RunContext context;
  context.trace = true;
  for (const PlanPort &input : program.inputs) {
    Tensor tensor = tensor_at(program.tensors[input.tensor], frame());
    tensor.name = std::string(input.name);
    if (!check_values(tensor, "input", context.message, sizeof context.message))
      return fail(DLC_NON_FINITE, index, nullptr, 0, context.message);
  }
  return run_block(index, 0, context);
}

dlc_status CpuExecutor::trace(uint32_t index, const void *const *inputs) {
  const AlignedBuffer saved(states_.bytes());
  const std::lock_guard lock(device_.busy);
  if (const dlc_status status = prepare(index, 0); status != DLC_OK) return status;
  std::memcpy(saved.data(), states_.data(), states_.bytes());
  copy_inputs(plan_.programs[index], inputs, 0);
  const dlc_status status = trace_step(index);
  std::memcpy(states_.data(), saved.data(), states_.bytes());
  return status;
}

}  // namespace dlc
