// concat(x...): tensors that differ in one axis, one after the other along it.
#include <algorithm>

#include "strided.h"

namespace dlc {
namespace {

class Concat final : public Kernel {
 public:
  explicit Concat(ThreadPool &pool) : pool_(pool) {}

  void add(StridedCopy copy, const Tensor &x, const Tensor &y, size_t offset) {
    parts_.push_back({std::move(copy), x.as<std::byte>(), y.as<std::byte>() + offset, offset});
  }

  bool move(std::span<const Tensor> inputs, std::span<const Tensor> outputs) override {
    for (size_t i = 0; i < parts_.size(); ++i) {
      parts_[i].src = inputs[i].as<std::byte>();
      parts_[i].dst = outputs[0].as<std::byte>() + parts_[i].offset;
    }
    return true;
  }

  dlc_status run(RunContext &) override {
    for (const Part &part : parts_) part.copy.run(pool_, part.src, part.dst);
    return DLC_OK;
  }

 private:
  struct Part {
    StridedCopy copy;
    const std::byte *src;
    std::byte *dst;
    size_t offset;  // of dst in the result
  };

  ThreadPool &pool_;
  std::vector<Part> parts_;
};

}  // namespace

std::unique_ptr<Kernel> make_concat(const KernelArgs &args) {
  require(!args.inputs.empty() && args.outputs.size() == 1, "concat takes inputs and one output");
  const Tensor &y = args.outputs[0];
  auto kernel = std::make_unique<Concat>(args.pool);
  if (!y.data) return kernel;
  const int64_t axis = args.attrs.integer("axis");
  require(axis >= 0 && axis < y.rank(), "concat: no such axis");
  const auto along = static_cast<size_t>(axis);
  const std::vector<int64_t> strides = strides_of(y.shape);
  int64_t at = 0;
  for (const Tensor &x : args.inputs) {
    require(x.dtype == y.dtype && x.shape.size() == y.shape.size(), "concat: an input is of another type");
    for (size_t i = 0; i < x.shape.size(); ++i)
      require(i == along || x.shape[i] == y.shape[i], "concat: the inputs differ in another axis");
    require(x.shape[along] <= y.shape[along] - at, "concat: the inputs are longer than the output");
    const auto offset = static_cast<size_t>(x.elements() ? at * strides[along] : 0) * size_of(y.dtype);
    kernel->add(StridedCopy(size_of(y.dtype), x.shape, strides_of(x.shape), strides), x, y, offset);
    at += x.shape[along];
  }
  require(at == y.shape[along], "concat: the inputs are shorter than the output");
  return kernel;
}

}  // namespace dlc
