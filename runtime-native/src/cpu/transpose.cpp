// transpose(x): output axis i is input axis perm[i].
#include <algorithm>

#include "strided.h"

namespace dlc {
namespace {

class Transpose final : public Kernel {
 public:
  Transpose(const KernelArgs &args, StridedCopy copy)
      : pool_(args.pool),
        copy_(std::move(copy)),
        src_(args.inputs[0].as<std::byte>()),
        dst_(args.outputs[0].as<std::byte>()) {}

  dlc_status run(RunContext &) override {
    if (dst_) copy_.run(pool_, src_, dst_);
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  StridedCopy copy_;
  const std::byte *src_;
  std::byte *dst_;
};

}  // namespace

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
  return std::make_unique<Transpose>(args, StridedCopy(size_of(x.dtype), shape, src, strides_of(shape)));
}

}  // namespace dlc
