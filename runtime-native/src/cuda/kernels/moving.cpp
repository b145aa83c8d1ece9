// Copies and lookups.
#include <cstring>
#include <type_traits>

#include "cpu/convert.h"
#include "cpu/gather_view.h"
#include "cuda/kernels/kernels.h"

namespace dlc::cuda {
namespace {

void fill(Writer &writer, const Tensor &y, double value) {
  writer.call("moving", instance("fill", y.elements(), std::to_string(bits_of(value, y.dtype)) + "ULL"), {moved(y)},
              blocks_of(y.elements()));
}

// The elements of x, dense, to places of y.
void copy_into(Writer &writer, const Tensor &x, const Tensor &y, const std::vector<int64_t> &strides, int64_t base) {
  writer.call("moving", instance("copy_to", offsets(writer, x.shape, strides, base), x.elements()),
              {moved(x), moved(y)}, blocks_of(x.elements()));
}

}  // namespace

uint64_t bits_of(double value, dlc_dtype dtype) {
  return with_type(dtype, [&](auto *type) {
    const auto element = convert<std::remove_pointer_t<decltype(type)>>(value);
    uint64_t bits = 0;
    std::memcpy(&bits, &element, sizeof element);
    return bits;
  });
}

void copy_strided(Writer &writer, const Tensor &x, const Tensor &y, const std::vector<int64_t> &strides, int64_t base) {
  writer.call("moving", instance("copy_from", offsets(writer, y.shape, strides, base), y.elements()),
              {moved(x), moved(y)}, blocks_of(y.elements()));
}

void emit_transpose(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (!y.data) return;
  const std::vector<int64_t> in = dense_strides(x.shape);
  std::vector<int64_t> strides;
  for (const int64_t axis : args.attrs.integers("perm")) strides.push_back(in[static_cast<size_t>(axis)]);
  copy_strided(writer, x, y, strides, 0);
}

void emit_slice(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (!y.data) return;
  const std::vector<int64_t> starts = args.attrs.integers("starts"), steps = args.attrs.integers("strides");
  std::vector<int64_t> strides = dense_strides(x.shape);
  int64_t base = 0;
  for (size_t i = 0; i < strides.size(); ++i) {
    base += y.shape[i] ? starts[i] * strides[i] : 0;
    strides[i] = y.shape[i] > 1 ? strides[i] * steps[i] : 0;
  }
  copy_strided(writer, x, y, strides, base);
}

void emit_broadcast_to(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (!y.data) return;
  const size_t more = y.shape.size() - x.shape.size();
  const std::vector<int64_t> in = dense_strides(x.shape);
  std::vector<int64_t> strides(y.shape.size(), 0);
  for (size_t i = 0; i < in.size(); ++i) strides[more + i] = x.shape[i] == 1 ? 0 : in[i];
  copy_strided(writer, x, y, strides, 0);
}

void emit_pad(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (!y.data) return;
  fill(writer, y, args.attrs.number("value", 0));
  const std::vector<int64_t> low = args.attrs.integers("low"), interior = args.attrs.integers("interior");
  std::vector<int64_t> strides = dense_strides(y.shape);
  int64_t base = 0;
  for (size_t i = 0; i < strides.size(); ++i) {
    base += x.elements() ? low[i] * strides[i] : 0;
    strides[i] *= x.shape[i] > 1 ? interior[i] + 1 : 1;
  }
  copy_into(writer, x, y, strides, base);
}

void emit_concat(const StepArgs &args, Writer &writer) {
  const Tensor &y = args.outputs[0];
  if (!y.data) return;
  const auto axis = static_cast<size_t>(args.attrs.integer("axis"));
  const std::vector<int64_t> strides = dense_strides(y.shape);
  int64_t at = 0;
  for (const Tensor &x : args.inputs) {
    copy_into(writer, x, y, strides, at * strides[axis]);
    at += x.shape[axis];
  }
}

void emit_gather(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &indices = args.inputs[1], &y = args.outputs[0];
  const GatherView view = gather_view(x, indices, y, args.attrs);
  const int64_t elements = view.batch * view.outer * view.count * view.inner;
  writer.call("moving", instance("gather", elements, view.outer, view.extent, view.inner, view.count),
              {moved(x), indices, {y.data, moved_type(x.dtype)}}, blocks_of(elements), true);
}

void emit_scatter_add(const StepArgs &args, Writer &writer) {
  const Tensor &indices = args.inputs[0], &updates = args.inputs[1], &y = args.outputs[0];
  if (!y.data) return;
  const GatherView view = gather_view(y, indices, updates, args.attrs);
  fill(writer, y, 0);
  writer.call("moving", instance("scatter_add", view.outer, view.extent, view.inner, view.count), {indices, updates, y},
              view.batch * view.outer * view.count, true);
}

void emit_gather_elements(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &indices = args.inputs[1], &y = args.outputs[0];
  const LineView view = line_view(x, indices, args.attrs);
  writer.call("moving", instance("gather_elements", indices.elements(), view.extent, view.inner, view.count),
              {moved(x), indices, {y.data, moved_type(x.dtype)}}, blocks_of(indices.elements()), true);
}

void emit_scatter_elements_add(const StepArgs &args, Writer &writer) {
  const Tensor &indices = args.inputs[0], &updates = args.inputs[1], &y = args.outputs[0];
  if (!y.data) return;
  const LineView view = line_view(y, updates, args.attrs);
  writer.call("moving", instance("scatter_elements_add", y.elements(), view.extent, view.inner, view.count),
              {indices, updates, y}, blocks_of(y.elements()), true);
}

}  // namespace dlc::cuda
