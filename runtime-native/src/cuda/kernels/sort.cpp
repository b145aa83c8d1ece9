// Sorting.
#include "cuda/kernels/kernels.h"

namespace dlc::cuda {

void emit_sort(const StepArgs &args, Writer &writer) {
  const Tensor &x = args.inputs[0], &values = args.outputs[0], &indices = args.outputs[1];
  if (x.dtype == DLC_BF16 || x.dtype == DLC_BOOL) unsupported(" with this dtype");
  const auto axis = static_cast<size_t>(args.attrs.integer("axis"));
  const int64_t extent = x.shape[axis], inner = dense_strides(x.shape)[axis];
  const bool descending = args.attrs.boolean("descending");
  const Operand places{indices.data, "int"};
  if (values.data == x.data) {
    const int64_t lines = extent ? x.elements() / extent : 0;
    writer.call("sort", instance("sort_in_place", lines, extent, inner, descending), {values, places},
                blocks_of(lines));
    return;
  }
  writer.call("sort", instance("sort", x.elements(), extent, inner, descending),
              {x, {values.data, c_type(x.dtype)}, places}, blocks_of(x.elements()));
}

}  // namespace dlc::cuda
