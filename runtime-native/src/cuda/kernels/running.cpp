// Running sums and products.
#include "cuda/kernels/kernels.h"

namespace dlc::cuda {
namespace {

struct Lines {
  int64_t lines, extent, inner;
};

Lines lines_of(const Tensor &x, const Attrs &attrs) {
  const auto axis = static_cast<size_t>(attrs.integer("axis"));
  const int64_t extent = x.shape[axis];
  return {extent ? x.elements() / extent : 0, extent, dense_strides(x.shape)[axis]};
}

void emit_running(const StepArgs &args, Writer &writer, bool product) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  const bool in_double = x.dtype == DLC_F32 || x.dtype == DLC_F64 || x.dtype == DLC_BF16;
  const Lines at = lines_of(x, args.attrs);
  if (y.data)
    writer.call("running",
                instance("running", in_double ? "double" : "long long", at.lines, at.extent, at.inner, product,
                         args.attrs.boolean("exclusive"), args.attrs.boolean("reverse")),
                {x, y}, blocks_of(at.lines));
}

}  // namespace

void emit_cumsum(const StepArgs &args, Writer &writer) {
  emit_running(args, writer, false);
}
void emit_cumprod(const StepArgs &args, Writer &writer) {
  emit_running(args, writer, true);
}

void emit_linear_recurrence(const StepArgs &args, Writer &writer) {
  const Tensor &a = args.inputs[0], &b = args.inputs[1], &y = args.outputs[0];
  const Lines at = lines_of(a, args.attrs);
  if (y.data)
    writer.call("running", instance("linear_recurrence", at.lines, at.extent, at.inner, args.attrs.boolean("reverse")),
                {a, b, y}, blocks_of(at.lines));
}

}  // namespace dlc::cuda
