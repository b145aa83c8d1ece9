// softmax(x) = exp(x - max) / sum and log_softmax(x) = x - max - log(sum), along any axis. y may be x's memory.
#include <cmath>

#include "../kernel.h"
#include "softmax_view.h"

namespace dlc {
namespace {

class Softmax final : public Kernel {
 public:
  Softmax(const KernelArgs &args, bool logarithm) : pool_(args.pool), logarithm_(logarithm) {
    require(args.inputs.size() == 1 && args.outputs.size() == 1, "softmax takes one input, gives one output");
    const Tensor &x = args.inputs[0], &y = args.outputs[0];
    require(y.dtype == x.dtype && x.shape == y.shape, "softmax: wrong types or shapes");
    view_ = SoftmaxView(x, args.attrs);
    y_ = y.as<std::byte>();
  }

  dlc_status run(RunContext &) override {
    view_.each(pool_, [&](const Lines &lines, int64_t at, int64_t, float *scratch) {
      float most[kMostLines], sums[kMostLines];
      const float none[kMostLines] = {};
      std::byte *const y = view_.place(y_, at);
      if (logarithm_) {
        sums_(lines, most, sums);
        for (int j = 0; j < lines.count; ++j) sums[j] = most[j] + std::log(sums[j]);
        subtract_(lines, sums, y);
        return;
      }
      if (scratch != nullptr) {
        exponentials_(lines, most, sums, scratch);
      } else {
        sums_(lines, most, sums);
      }
      for (int j = 0; j < lines.count; ++j) sums[j] = 1 / sums[j];
      if (scratch != nullptr) {
        scale_(lines, scratch, sums, nullptr, none, y);
      } else {
        again_(lines, most, sums, nullptr, none, y);
      }
    });
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  bool logarithm_;
  SoftmaxView view_;
  decltype(&baseline::line_sums) sums_ = DLC_DISPATCH(line_sums);
  decltype(&baseline::line_exponentials) exponentials_ = DLC_DISPATCH(line_exponentials);
  decltype(&baseline::scale_exponentials) scale_ = DLC_DISPATCH(scale_exponentials);
  decltype(&baseline::exponentials) again_ = DLC_DISPATCH(exponentials);
  decltype(&baseline::subtract) subtract_ = DLC_DISPATCH(subtract);
  std::byte *y_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_softmax(const KernelArgs &args) {
  return std::make_unique<Softmax>(args, false);
}
std::unique_ptr<Kernel> make_log_softmax(const KernelArgs &args) {
  return std::make_unique<Softmax>(args, true);
}

}  // namespace dlc
