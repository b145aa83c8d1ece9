// slice(x): along each axis the elements starts, starts + strides, ... below limits.
#include "strided.h"

namespace dlc {
std::unique_ptr<Kernel> make_slice(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "slice takes one input and one output");
  const Tensor &x = args.inputs[0];
  const Tensor &y = args.outputs[0];
  const std::vector<int64_t> starts = args.attrs.integers("starts");
  const std::vector<int64_t> limits = args.attrs.integers("limits");
  const std::vector<int64_t> steps = args.attrs.integers("strides");
  const size_t rank = x.shape.size();
  require(starts.size() == rank && limits.size() == rank && steps.size() == rank,
          "slice: an attribute is not of the input's rank");
  std::vector<int64_t> src = strides_of(x.shape);
  std::vector<int64_t> shape;
  int64_t offset = 0;
  for (size_t i = 0; i < rank; ++i) {
    require(starts[i] >= 0 && starts[i] <= limits[i] && limits[i] <= x.shape[i] && steps[i] >= 1,
            "slice: out of the input's bounds");
    const int64_t extent = limits[i] - starts[i];
    shape.push_back(extent / steps[i] + (extent % steps[i] != 0));
    // An axis of at most one element takes no steps, however large they are said to be.
    offset += shape[i] ? starts[i] * src[i] : 0;
    src[i] = shape[i] > 1 ? src[i] * steps[i] : 0;
  }
  require(!y.data || (y.dtype == x.dtype && y.shape == shape), "slice: the output is of another type");
  return std::make_unique<StridedKernel>(args, StridedCopy(size_of(x.dtype), shape, src, strides_of(shape)), offset);
}

}  // namespace dlc
