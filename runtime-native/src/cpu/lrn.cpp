// lrn(x): y[c] = x[c] s[c]^-beta, s[c] = k + alpha/size * sum of x[j]^2 over j in [c - size/2, c + (size-1)/2] that
// exist; lrn_grad(dy, x): dx[c] = dy[c] s[c]^-beta - 2 alpha beta / size * x[c] * sum of dy[j] x[j] s[j]^(-beta-1) over
// the j whose window holds c. A task is a run of pixels of one image, all channels of it.
#include <algorithm>

#include "../kernel.h"
#include "lrn_runs.h"

namespace dlc {
namespace {

constexpr int64_t kMostPixels = 256;

class Response : public Kernel {
 protected:
  Response(const KernelArgs &args, size_t inputs) : pool_(args.pool) {
    require(args.inputs.size() == inputs && args.outputs.size() == 1, "lrn: wrong number of tensors");
    const Tensor &x = args.inputs[inputs - 1];
    require(x.rank() >= 2 && x.dtype == DLC_F32, "lrn is for f32 with channels on axis 1");
    for (const Tensor &t : args.inputs) require(t.dtype == DLC_F32 && t.shape == x.shape, "lrn: shapes differ");
    require(args.outputs[0].dtype == DLC_F32 && args.outputs[0].shape == x.shape, "lrn: wrong output");
    n_ = x.shape[0];
    c_ = x.shape[1];
    for (size_t i = 2; i < x.shape.size(); ++i) inner_ *= x.shape[i];
    size_ = args.attrs.integer("size");
    require(size_ >= 1 && size_ < (int64_t{1} << 31), "lrn: size out of range");
    const double alpha = args.attrs.number("alpha"), beta = args.attrs.number("beta");
    scale_ = static_cast<float>(alpha / static_cast<double>(size_));
    beta_ = static_cast<float>(beta);
    k_ = static_cast<float>(args.attrs.number("k"));
    factor_ = static_cast<float>(2 * alpha * beta / static_cast<double>(size_));
    x_ = x.as<float>();
    out_ = args.outputs[0].as<float>();
  }

  // Calls f(first element of channel 0, pixels, lane) over all images and runs of pixels of at most `most`.
  template <typename F>
  void each_run(int64_t most, F f) {
    if (c_ == 0 || inner_ == 0) return;
    const int64_t runs = (inner_ + most - 1) / most;
    pool_.parallel(n_ * runs, [&](int64_t task, int lane) {
      const int64_t first = task % runs * most;
      f(task / runs * c_ * inner_ + first, std::min(most, inner_ - first), lane);
    });
  }

  // power = s^-beta, next = s^(-beta-1) of channel c.
  void powers(int64_t at, int64_t c, int64_t pixels, float *sums, float *power, float *next) const {
    std::fill_n(sums, pixels, 0.0f);
    const int64_t last = std::min(c_ - 1, c + (size_ - 1) / 2);
    for (int64_t j = std::max<int64_t>(0, c - size_ / 2); j <= last; ++j) {
      add_squares_(x_ + at + j * inner_, pixels, sums);
    }
    powers_(sums, k_, scale_, beta_, pixels, power, next);
  }

  ThreadPool &pool_;
  int64_t n_ = 0, c_ = 0, inner_ = 1, size_ = 1;
  float scale_ = 0, beta_ = 0, k_ = 0, factor_ = 0;
  decltype(&baseline::add_squares) add_squares_ = DLC_DISPATCH(add_squares);
  decltype(&baseline::response_powers) powers_ = DLC_DISPATCH(response_powers);
  const float *x_ = nullptr;
  float *out_ = nullptr;
};

class Lrn final : public Response {
 public:
  explicit Lrn(const KernelArgs &args) : Response(args, 1) {}

  dlc_status run(RunContext &) override {
    each_run(kMostPixels, [&](int64_t at, int64_t pixels, int) {
      float sums[kMostPixels], power[kMostPixels], next[kMostPixels];
      for (int64_t c = 0; c < c_; ++c) {
        powers(at, c, pixels, sums, power, next);
        multiply_(x_ + at + c * inner_, power, pixels, out_ + at + c * inner_);
      }
    });
    return DLC_OK;
  }

 private:
  decltype(&baseline::multiply_runs) multiply_ = DLC_DISPATCH(multiply_runs);
};

class LrnGrad final : public Response {
 public:
  explicit LrnGrad(const KernelArgs &args) : Response(args, 2), dy_(args.inputs[0].as<float>()) {
    // Two numbers for each channel and pixel of a run are kept.
    constexpr int64_t kFloats = ThreadPool::kLaneScratchBytes / sizeof(float) / 2;
    if (c_ > kFloats) throw Failure(DLC_UNSUPPORTED, "lrn: too many channels");
    most_ = std::clamp<int64_t>(kFloats / std::max<int64_t>(1, c_), 1, kMostPixels);
  }

  dlc_status run(RunContext &) override {
    each_run(most_, [&](int64_t at, int64_t pixels, int lane) {
      float *power = reinterpret_cast<float *>(pool_.scratch(lane)), *terms = power + c_ * most_;
      float sums[kMostPixels];
      for (int64_t c = 0; c < c_; ++c) {
        powers(at, c, pixels, sums, power + c * most_, terms + c * most_);
        multiply_into_(dy_ + at + c * inner_, x_ + at + c * inner_, pixels, terms + c * most_);
      }
      for (int64_t c = 0; c < c_; ++c) {
        std::fill_n(sums, pixels, 0.0f);
        const int64_t last = std::min(c_ - 1, c + size_ / 2);
        for (int64_t j = std::max<int64_t>(0, c - (size_ - 1) / 2); j <= last; ++j) {
          add_(terms + j * most_, pixels, sums);
        }
        const int64_t here = at + c * inner_;
        grad_(dy_ + here, power + c * most_, x_ + here, sums, factor_, pixels, out_ + here);
      }
    });
    return DLC_OK;
  }

 private:
  decltype(&baseline::multiply_into) multiply_into_ = DLC_DISPATCH(multiply_into);
  decltype(&baseline::add_run) add_ = DLC_DISPATCH(add_run);
  decltype(&baseline::response_grad) grad_ = DLC_DISPATCH(response_grad);
  const float *dy_;
  int64_t most_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_lrn(const KernelArgs &args) {
  return std::make_unique<Lrn>(args);
}
std::unique_ptr<Kernel> make_lrn_grad(const KernelArgs &args) {
  return std::make_unique<LrnGrad>(args);
}

}  // namespace dlc
