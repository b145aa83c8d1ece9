// broadcast_to(x): x repeated along the axes where its extent is 1 or that it lacks.
#include "strided.h"

namespace dlc {
std::unique_ptr<Kernel> make_broadcast_to(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "broadcast_to takes one input and one output");
  const Tensor &x = args.inputs[0];
  const Tensor &y = args.outputs[0];
  const std::vector<int64_t> shape = args.attrs.integers("shape");
  require(!y.data || (y.dtype == x.dtype && y.shape == shape), "broadcast_to: the output is of another type");
  require(shape.size() >= x.shape.size() && shape.size() <= kMaxRank, "broadcast_to: fewer axes than the input has");
  const size_t more = shape.size() - x.shape.size();
  const std::vector<int64_t> in = strides_of(x.shape);
  std::vector<int64_t> src(shape.size(), 0);
  for (size_t i = 0; i < x.shape.size(); ++i) {
    require(x.shape[i] == shape[more + i] || x.shape[i] == 1, "broadcast_to: the input does not broadcast");
    src[more + i] = x.shape[i] == 1 ? 0 : in[i];
  }
  // Without an output there is nothing to size the copy by.
  if (!y.data) return std::make_unique<StridedKernel>(args, StridedCopy());
  return std::make_unique<StridedKernel>(args, StridedCopy(size_of(x.dtype), shape, src, strides_of(shape)));
}

}  // namespace dlc
