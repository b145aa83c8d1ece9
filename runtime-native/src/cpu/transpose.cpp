// transpose(x): output axis i is input axis perm[i].
#include <algorithm>

#include "strided.h"

namespace dlc {
std::unique_ptr<Kernel> make_transpose(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "transpose takes one input and one output");
  const Tensor &x = args.inputs[0];
  const Tensor &y = args.outputs[0];
  const std::vector<int64_t> perm = args.attrs.integers("perm");
  require(perm.size() == x.shape.size(), "transpose: perm is not of the input's rank");
  std::vector<int64_t> seen = perm;
  std::sort(seen.begin(), seen.end());
  for (size_t i = 0; i < seen.size(); ++i)
    require(seen[i] == static_cast<int64_t>(i), "transpose: perm repeats an axis");
  const std::vector<int64_t> in = strides_of(x.shape);
  std::vector<int64_t> shape, src;
  for (const int64_t axis : perm) {
    shape.push_back(x.shape[static_cast<size_t>(axis)]);
    src.push_back(in[static_cast<size_t>(axis)]);
  }
  require(!y.data || (y.dtype == x.dtype && y.shape == shape), "transpose: the output is of another type");
  return std::make_unique<StridedKernel>(args, StridedCopy(size_of(x.dtype), shape, src, strides_of(shape)));
}

}  // namespace dlc
