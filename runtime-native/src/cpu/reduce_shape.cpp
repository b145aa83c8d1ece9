// Sorts the axes of a reduction: neighbours of one kind become one axis, axes of one element vanish.
#include "reduce_shape.h"

#include <algorithm>

namespace dlc {

ReduceShape reduce_shape(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "a reduction takes one input and one output");
  const Tensor &x = args.inputs[0];
  const Tensor &y = args.outputs[0];
  std::vector<bool> goes(x.shape.size(), false);
  for (const int64_t axis : args.attrs.integers("axes")) {
    require(axis >= 0 && axis < x.rank() && !goes[static_cast<size_t>(axis)], "a reduction's axes are not the input's");
    goes[static_cast<size_t>(axis)] = true;
  }
  const bool keepdims = args.attrs.boolean("keepdims");
  std::vector<int64_t> shape;
  for (size_t i = 0; i < goes.size(); ++i) {
    if (!goes[i])
      shape.push_back(x.shape[i]);
    else if (keepdims)
      shape.push_back(1);
  }
  const dlc_dtype dtype = x.dtype == DLC_BF16 ? DLC_F32 : x.dtype;
  require(!y.data || (y.dtype == dtype && y.shape == shape), "a reduction's output is of another type");

  struct Axis {
    int64_t extent, stride;
    bool goes;
  };
  std::vector<Axis> axes;  // innermost first
  int64_t stride = 1;
  for (size_t i = x.shape.size(); i-- > 0;) {
    if (x.shape[i] == 1) continue;
    if (!axes.empty() && axes.back().goes == goes[i])
      axes.back().extent *= x.shape[i];
    else
      axes.push_back({x.shape[i], stride, goes[i]});
    stride *= x.shape[i];
  }
  ReduceShape result;
  for (size_t i = axes.size(); i-- > 1;) {
    AxisWalk &walk = axes[i].goes ? result.reduced : result.kept;
    walk.axes.push_back({axes[i].extent, axes[i].stride});
    walk.count *= axes[i].extent;
  }
  if (!axes.empty()) {
    result.inner = axes[0].extent;
    result.inner_reduced = axes[0].goes;
  }
  result.outputs = result.kept.count * (result.inner_reduced ? 1 : result.inner);
  result.per_output = result.reduced.count * (result.inner_reduced ? result.inner : 1);
  return result;
}

}  // namespace dlc
