// dropout(x, rng): x / (1 - rate) where the element's uniform draw is at least `rate`, else 0. Drawn again in the
// backward pass instead of being kept. y may be x's own memory.
#include <algorithm>
#include <cmath>

#include "float_runs.h"
#include "rng_input.h"

namespace dlc {
namespace {

// Stays in the first-level cache while it is widened and narrowed; a multiple of 4.
constexpr int64_t kBlock = 2048;

class Dropout final : public Kernel {
 public:
  Dropout(const KernelArgs &args, double rate)
      : pool_(args.pool),
        rng_(args.inputs[1], args.attrs),
        src_(args.inputs[0]),
        dst_(args.outputs[0]),
        elements_(dst_.is_wanted() ? args.inputs[0].elements() : 0),
        // u >= rate for u of 24 bits, without rounding
        least_(static_cast<uint32_t>(std::ceil(rate * 16777216))),
        scale_(static_cast<float>(1 / (1 - rate))) {}

  dlc_status run(RunContext &) override {
    const PhiloxStream at = rng_.read();
    const auto drop = DLC_DISPATCH(philox_dropout);
    pool_.parallel((elements_ + kRandomChunk - 1) / kRandomChunk, [&](int64_t chunk, int lane) {
      auto *const scratch = reinterpret_cast<float *>(pool_.scratch(lane));
      const int64_t end = std::min(elements_, (chunk + 1) * kRandomChunk);
      for (int64_t begin = chunk * kRandomChunk; begin < end; begin += kBlock) {
        const int64_t count = std::min(kBlock, end - begin);
        float *const y = dst_.place(begin, scratch);
        drop(at, begin, count, least_, scale_, src_.read(begin, count, scratch), y);
        dst_.written(begin, count, y);
      }
    });
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  RngInput rng_;
  FloatSource src_;
  FloatSink dst_;
  int64_t elements_;
  uint32_t least_;
  float scale_;
};

}  // namespace

std::unique_ptr<Kernel> make_dropout(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "dropout takes x and rng and gives one output");
  const Tensor &x = args.inputs[0];
  const Tensor &y = args.outputs[0];
  require(is_f32_or_bf16(x), "dropout takes f32 or bf16");
  require(!y.data || (y.dtype == x.dtype && y.shape == x.shape), "dropout: the output is of another type");
  require(x.elements() <= int64_t{4} << 32, "dropout: more elements than a stream has numbers");
  const double rate = args.attrs.number("rate");
  require(rate >= 0 && rate < 1, "dropout: rate must be at least 0 and below 1");
  return std::make_unique<Dropout>(args, rate);
}

}  // namespace dlc
