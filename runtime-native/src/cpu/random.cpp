// random_uniform and random_normal: element i depends on seed, step, stream and i alone.
#include <algorithm>

#include "rng_input.h"

namespace dlc {

RngInput::RngInput(const Tensor &rng, const Attrs &attrs) : rng_(rng.as<int64_t>()) {
  require(rng.dtype == DLC_I64 && rng.shape == std::vector<int64_t>{2}, "rng must be i64[2]");
  const int64_t stream = attrs.integer("stream");
  require(stream >= 0 && stream <= UINT32_MAX, "stream must be a number of 32 bits");
  stream_ = static_cast<uint32_t>(stream);
}

namespace {

using Fill = void (*)(const PhiloxStream &at, int64_t begin, int64_t count, float a, float b, bool flag, float *dst);

class Random final : public Kernel {
 public:
  Random(const KernelArgs &args, Fill fill, double a, double b, bool flag)
      : pool_(args.pool),
        rng_(args.inputs[0], args.attrs),
        dst_(args.outputs[0].as<float>()),
        elements_(dst_ ? args.outputs[0].elements() : 0),
        fill_(fill),
        a_(static_cast<float>(a)),
        b_(static_cast<float>(b)),
        flag_(flag) {}

  dlc_status run(RunContext &) override {
    const PhiloxStream at = rng_.read();
    pool_.parallel((elements_ + kRandomChunk - 1) / kRandomChunk, [&](int64_t chunk, int) {
      const int64_t begin = chunk * kRandomChunk;
      fill_(at, begin, std::min(kRandomChunk, elements_ - begin), a_, b_, flag_, dst_ + begin);
    });
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  RngInput rng_;
  float *dst_;
  int64_t elements_;
  Fill fill_;
  float a_, b_;
  bool flag_;
};

void check(const KernelArgs &args, int64_t most) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "a random op takes rng and gives one output");
  const Tensor &y = args.outputs[0];
  require(!y.data || (y.dtype == DLC_F32 && y.shape == args.attrs.integers("shape")),
          "a random op's output is of another type");
  require(!y.data || y.elements() <= most, "a random op's output has more elements than a stream");
}

}  // namespace

std::unique_ptr<Kernel> make_random_uniform(const KernelArgs &args) {
  check(args, int64_t{4} << 32);
  return std::make_unique<Random>(args, DLC_DISPATCH(philox_uniform), args.attrs.number("low"),
                                  args.attrs.number("high"), false);
}

std::unique_ptr<Kernel> make_random_normal(const KernelArgs &args) {
  check(args, int64_t{1} << 32);
  return std::make_unique<Random>(args, DLC_DISPATCH(philox_normal), args.attrs.number("mean"),
                                  args.attrs.number("std"), args.attrs.boolean("truncated"));
}

}  // namespace dlc
