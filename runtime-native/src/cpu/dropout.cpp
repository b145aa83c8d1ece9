// dropout(x, rng): x / (1 - rate) where the element's uniform draw is at least `rate`, else 0. Drawn again in the
// backward pass instead of being kept. y may be x's own memory.
#include <algorithm>
#include <cmath>

#include "rng_input.h"

namespace dlc {
namespace {

class Dropout final : public Kernel {
 public:
  Dropout(const KernelArgs &args, double rate)
      : pool_(args.pool),
        rng_(args.inputs[1], args.attrs),
        src_(args.inputs[0].as<float>()),
        dst_(args.outputs[0].as<float>()),
        elements_(dst_ ? args.inputs[0].elements() : 0),
        // u >= rate for u of 24 bits, without rounding
        least_(static_cast<uint32_t>(std::ceil(rate * 16777216))),
        scale_(static_cast<float>(1 / (1 - rate))) {}

  dlc_status run(RunContext &) override {
    const PhiloxStream at = rng_.read();
    const auto drop = DLC_DISPATCH(philox_dropout);
    pool_.parallel((elements_ + kRandomChunk - 1) / kRandomChunk, [&](int64_t chunk, int) {
      const int64_t begin = chunk * kRandomChunk;
      drop(at, begin, std::min(kRandomChunk, elements_ - begin), least_, scale_, src_ + begin, dst_ + begin);
    });
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  RngInput rng_;
  const float *src_;
  float *dst_;
  int64_t elements_;
  uint32_t least_;
  float scale_;
};

}  // namespace

std::unique_ptr<Kernel> make_dropout(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "dropout takes x and rng and gives one output");
  const Tensor &x = args.inputs[0];
  const Tensor &y = args.outputs[0];
  require(x.dtype == DLC_F32, "dropout takes f32");
  require(!y.data || (y.dtype == DLC_F32 && y.shape == x.shape), "dropout: the output is of another type");
  require(x.elements() <= int64_t{4} << 32, "dropout: more elements than a stream has numbers");
  const double rate = args.attrs.number("rate");
  require(rate >= 0 && rate < 1, "dropout: rate must be at least 0 and below 1");
  return std::make_unique<Dropout>(args, rate);
}

}  // namespace dlc
