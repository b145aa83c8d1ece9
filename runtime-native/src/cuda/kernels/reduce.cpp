// Reductions over axes.
#include <algorithm>

#include "cuda/kernels/kernels.h"

namespace dlc::cuda {
namespace {

// From this many elements on a block shares an output.
constexpr int64_t kBlockElements = 64;

// What is combined in: products, and sums by one thread, in double.
std::string type_of(const std::string &combine, dlc_dtype dtype, bool by_block) {
  if (dtype == DLC_F64) return "double";
  if (dtype != DLC_F32 && dtype != DLC_BF16) return "long long";
  return combine == "Product" || (combine == "Sum" && !by_block) ? "double" : "float";
}

void emit_reduce(const StepArgs &args, Writer &writer, const std::string &combine) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (!y.data) return;
  const std::vector<int64_t> axes = args.attrs.integers("axes"), strides = dense_strides(x.shape);
  std::vector<int64_t> kept, kept_strides, reduced, reduced_strides;
  int64_t outputs = 1, count = 1;
  for (size_t i = 0; i < x.shape.size(); ++i) {
    const bool is_reduced = std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) != axes.end();
    (is_reduced ? reduced : kept).push_back(x.shape[i]);
    (is_reduced ? reduced_strides : kept_strides).push_back(strides[i]);
    (is_reduced ? count : outputs) *= x.shape[i];
  }
  const bool inner = !reduced_strides.empty() && reduced_strides.back() == 1;
  const bool by_block = count >= kBlockElements && (inner || outputs < 16 * kThreads);
  const std::string type = type_of(combine, x.dtype, by_block);
  const std::string from = offsets(writer, kept, kept_strides), along = offsets(writer, reduced, reduced_strides);
  if (by_block)
    writer.call("reduce", instance("reduce", combine, type, from, along, count), {x, y}, outputs);
  else
    writer.call("reduce", instance("reduce_columns", combine, type, from, along, outputs, count), {x, y},
                blocks_of(outputs));
}

}  // namespace

void emit_reduce_sum(const StepArgs &args, Writer &writer) {
  emit_reduce(args, writer, "Sum");
}
void emit_reduce_max(const StepArgs &args, Writer &writer) {
  emit_reduce(args, writer, "Max");
}
void emit_reduce_min(const StepArgs &args, Writer &writer) {
  emit_reduce(args, writer, "Min");
}
void emit_reduce_prod(const StepArgs &args, Writer &writer) {
  emit_reduce(args, writer, "Product");
}

void emit_norm(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (y.data) writer.call("reduce", instance("norm", x.elements()), {x, y}, 1);
}

void emit_argmax(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (!y.data) return;
  const auto axis = static_cast<size_t>(args.attrs.integer("axis"));
  writer.call("reduce", instance("argmax", y.elements(), x.shape[axis], dense_strides(x.shape)[axis]), {x, y},
              blocks_of(y.elements()));
}

}  // namespace dlc::cuda
