// accumulate(sum, x): y = sum + x. y may be sum's own memory.
#include <algorithm>

#include "../kernel.h"

namespace dlc {
namespace {

constexpr int64_t kChunk = 16384;

class Accumulate final : public Kernel {
 public:
  explicit Accumulate(const KernelArgs &args)
      : pool_(args.pool),
        sum_(args.inputs[0].as<float>()),
        x_(args.inputs[1].as<float>()),
        y_(args.outputs[0].as<float>()),
        elements_(y_ ? args.inputs[0].elements() : 0) {}

  dlc_status run(RunContext &) override {
    pool_.parallel((elements_ + kChunk - 1) / kChunk, [this](int64_t task, int) {
      const int64_t end = std::min(elements_, (task + 1) * kChunk);
      for (int64_t i = task * kChunk; i < end; ++i) y_[i] = sum_[i] + x_[i];
    });
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  const float *sum_;
  const float *x_;
  float *y_;
  int64_t elements_;
};

}  // namespace

std::unique_ptr<Kernel> make_accumulate(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "accumulate takes two inputs and one output");
  const Tensor &sum = args.inputs[0];
  const Tensor &x = args.inputs[1];
  const Tensor &y = args.outputs[0];
  require(sum.dtype == DLC_F32 && x.dtype == DLC_F32, "accumulate takes f32");
  require(sum.shape == x.shape, "accumulate: the inputs are of different shapes");
  require(!y.data || (y.dtype == DLC_F32 && y.shape == sum.shape), "accumulate: the output is of another type");
  return std::make_unique<Accumulate>(args);
}

}  // namespace dlc
