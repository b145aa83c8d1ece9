// batch_norm_train(x, gamma, beta) -> (y, mean, variance) and batch_norm_grad(dy, x, gamma, mean, variance) -> (dx,
// dgamma, dbeta), and both with a fused program of what comes behind y or makes dy. Here planes lie channel by channel
// (batch_norm_last.cpp has the rest): a task is a channel, its statistics, summed in float over runs and in double
// across them in a fixed order, then its elements while they are still in cache.
#include <algorithm>
#include <cmath>
#include <optional>

#include "../kernel.h"
#include "batch_norm_last.h"
#include "batch_norm_runs.h"
#include "fused_runner.h"

namespace dlc {
namespace {

// A run's sums are float; longer planes are cut.
constexpr int64_t kRun = 4096;

// [N, C, inner] with channel c's runs at (n * C + c) * inner. Where inner is small they are gathered first.
struct Layout {
  int64_t n = 0, c = 0, inner = 1;

  explicit Layout(const Tensor &x) {
    require(x.rank() >= 2, "batch_norm needs channels on axis 1");
    n = x.shape[0];
    c = x.shape[1];
    for (size_t i = 2; i < x.shape.size(); ++i) inner *= x.shape[i];
  }
  int64_t elements() const { return n * inner; }  // of a channel
  // Calls f(first element, count) for the runs of a channel in order.
  template <typename F>
  void each_run(int64_t channel, F f) const {
    for (int64_t i = 0; i < n; ++i) {
      const int64_t plane = (i * c + channel) * inner;
      for (int64_t at = 0; at < inner; at += kRun) f(plane + at, std::min(kRun, inner - at));
    }
  }
};

void require_channels(const Tensor &t, const Layout &layout, bool optional) {
  if (optional && t.data == nullptr) return;
  require(t.dtype == DLC_F32 && t.shape == std::vector<int64_t>{layout.c}, "batch_norm: one number for each channel");
}

void require_like(const Tensor &t, const Tensor &x) {
  require(t.dtype == DLC_F32 && t.shape == x.shape, "batch_norm: wrong shape");
}

// Calls f(begin, count) for the blocks of a run that a fused program takes.
template <typename F>
void each_block(int64_t at, int64_t count, F f) {
  for (int64_t o = 0; o < count; o += FusedRunner::kBlock) f(at + o, std::min(FusedRunner::kBlock, count - o));
}

// Where inner is small a run is gathered into the lane's scratch: elements of one channel, `columns` at a time.
constexpr int64_t kGathered = static_cast<int64_t>(ThreadPool::kLaneScratchBytes / sizeof(float) / 2);
constexpr int64_t kShortRun = 16;

class BatchNormTrain final : public Kernel {
 public:
  BatchNormTrain(const KernelArgs &args, bool fused) : pool_(args.pool), layout_(args.inputs[0]) {
    const Tensor &x = args.inputs[0];
    require(x.dtype == DLC_F32, "batch_norm is for f32");
    require_channels(args.inputs[1], layout_, false);
    require_channels(args.inputs[2], layout_, false);
    epsilon_ = args.attrs.number("epsilon");
    x_ = x.as<float>();
    gamma_ = args.inputs[1].as<float>();
    beta_ = args.inputs[2].as<float>();
    const size_t statistics = fused ? 0 : 1;
    const Tensor &mean = args.outputs[statistics], &variance = args.outputs[statistics + 1];
    require_channels(mean, layout_, true);
    require_channels(variance, layout_, true);
    mean_ = mean.as<float>();
    variance_ = variance.as<float>();
    if (fused) {
      std::vector<Tensor> inputs(1);  // the normalized block, which is made here
      inputs.insert(inputs.end(), args.inputs.begin() + 3, args.inputs.end());
      epilogue_.emplace(args.attrs.string("program"), inputs, args.outputs.subspan(2), x.shape);
      return;
    }
    if (args.outputs[0].data != nullptr) require_like(args.outputs[0], x);
    y_ = args.outputs[0].as<float>();
  }

  dlc_status run(RunContext &) override {
    pool_.parallel(layout_.c, [&](int64_t channel, int lane) {
      float *scratch = reinterpret_cast<float *>(pool_.scratch(lane));
      if (!epilogue_ && layout_.inner < kShortRun && layout_.elements() <= kGathered) {
        run_gathered(channel, scratch);
      } else {
        run_channel(channel, scratch);
      }
    });
    return DLC_OK;
  }

 private:
  // Chan's combination of the moments of consecutive runs.
  struct Total {
    double count = 0, mean = 0, squares = 0;
    void add(const Moments &run, int64_t run_count) {
      const double n = static_cast<double>(run_count), run_mean = run.sum / n, both = count + n;
      const double delta = run_mean - mean;
      mean += delta * n / both;
      squares += run.squares + delta * delta * count * n / both;
      count = both;
    }
  };

  struct Affine {
    float scale, shift;
  };

  Affine finish(int64_t channel, const Total &total) const {
    const double variance = total.squares / total.count;
    if (mean_ != nullptr) mean_[channel] = static_cast<float>(total.mean);
    if (variance_ != nullptr) variance_[channel] = static_cast<float>(variance);
    const double scale = gamma_[channel] / std::sqrt(variance + epsilon_);
    return {static_cast<float>(scale), static_cast<float>(beta_[channel] - total.mean * scale)};
  }

  void run_channel(int64_t channel, float *scratch) const {
    Total total;
    layout_.each_run(channel, [&](int64_t at, int64_t count) { total.add(moments_(x_ + at, count), count); });
    const Affine affine = finish(channel, total);
    if (epilogue_) {
      layout_.each_run(channel, [&](int64_t at, int64_t count) {
        each_block(at, count, [&](int64_t begin, int64_t elements) {
          scale_(x_ + begin, affine.scale, affine.shift, elements, scratch);
          epilogue_->run(begin, elements, scratch, nullptr, scratch + FusedRunner::kBlock);
        });
      });
      return;
    }
    if (y_ == nullptr) return;
    layout_.each_run(channel,
                     [&](int64_t at, int64_t count) { scale_(x_ + at, affine.scale, affine.shift, count, y_ + at); });
  }

  void run_gathered(int64_t channel, float *values) const {
    const int64_t elements = layout_.elements(), inner = layout_.inner;
    float *to = values;
    layout_.each_run(channel, [&](int64_t at, int64_t count) { to = std::copy_n(x_ + at, count, to); });
    Total total;
    for (int64_t at = 0; at < elements; at += kRun) {
      const int64_t count = std::min(kRun, elements - at);
      total.add(moments_(values + at, count), count);
    }
    const Affine affine = finish(channel, total);
    if (y_ == nullptr) return;
    scale_(values, affine.scale, affine.shift, elements, values);
    for (int64_t i = 0; i < layout_.n; ++i) {
      std::copy_n(values + i * inner, inner, y_ + (i * layout_.c + channel) * inner);
    }
  }

  ThreadPool &pool_;
  Layout layout_;
  decltype(&baseline::moments_of) moments_ = DLC_DISPATCH(moments_of);
  decltype(&baseline::scale_run) scale_ = DLC_DISPATCH(scale_run);
  double epsilon_ = 0;
  const float *x_ = nullptr, *gamma_ = nullptr, *beta_ = nullptr;
  float *y_ = nullptr, *mean_ = nullptr, *variance_ = nullptr;
  std::optional<FusedRunner> epilogue_;
};

class BatchNormGrad final : public Kernel {
 public:
  BatchNormGrad(const KernelArgs &args, bool fused) : pool_(args.pool), layout_(args.inputs[fused ? 0 : 1]) {
    const size_t first = fused ? 0 : 1;
    const Tensor &x = args.inputs[first];
    require(x.dtype == DLC_F32, "batch_norm is for f32");
    for (size_t i = first + 1; i < first + 4; ++i) require_channels(args.inputs[i], layout_, false);
    if (args.outputs[0].data != nullptr) require_like(args.outputs[0], x);
    require_channels(args.outputs[1], layout_, true);
    require_channels(args.outputs[2], layout_, true);
    epsilon_ = args.attrs.number("epsilon");
    x_ = x.as<float>();
    gamma_ = args.inputs[first + 1].as<float>();
    mean_ = args.inputs[first + 2].as<float>();
    variance_ = args.inputs[first + 3].as<float>();
    dx_ = args.outputs[0].as<float>();
    dgamma_ = args.outputs[1].as<float>();
    dbeta_ = args.outputs[2].as<float>();
    if (fused) {
      // dy is made where dx will be: its elements are read once more, then replaced.
      std::vector<Tensor> outputs = {args.outputs[0]};
      outputs.insert(outputs.end(), args.outputs.begin() + 3, args.outputs.end());
      prologue_.emplace(args.attrs.string("program"), args.inputs.subspan(4), outputs, x.shape);
      return;
    }
    require_like(args.inputs[0], x);
    dy_ = args.inputs[0].as<float>();
  }

  dlc_status run(RunContext &) override {
    pool_.parallel(layout_.c, [&](int64_t channel, int lane) {
      float *scratch = reinterpret_cast<float *>(pool_.scratch(lane));
      if (!prologue_ && layout_.inner < kShortRun && layout_.elements() <= kGathered) {
        run_gathered(channel, scratch);
      } else {
        run_channel(channel, scratch);
      }
    });
    return DLC_OK;
  }

 private:
  struct Total {
    double dy = 0, product = 0;
    void add(const GradSums &sums) {
      dy += sums.dy;
      product += sums.product;
    }
  };

  struct Blend {
    float a, b, c;
  };

  // dx = gamma r (dy - sum/M - h dgamma/M) with h = (x - mean) r, as a dy + b x + c.
  Blend finish(int64_t channel, const Total &total) const {
    const double r = 1 / std::sqrt(variance_[channel] + epsilon_), mean = mean_[channel];
    const double dgamma = total.product * r, count = static_cast<double>(layout_.elements());
    if (dgamma_ != nullptr) dgamma_[channel] = static_cast<float>(dgamma);
    if (dbeta_ != nullptr) dbeta_[channel] = static_cast<float>(total.dy);
    const double a = gamma_[channel] * r, b = -a * r * dgamma / count;
    return {static_cast<float>(a), static_cast<float>(b), static_cast<float>(-a * total.dy / count - b * mean)};
  }

  void run_channel(int64_t channel, float *scratch) const {
    Total total;
    const float mean = mean_[channel];
    layout_.each_run(channel, [&](int64_t at, int64_t count) {
      const float *dy = prologue_ ? make_run(at, count, scratch) : dy_ + at;
      total.add(sums_(dy, x_ + at, mean, count));
    });
    const Blend blend = finish(channel, total);
    if (dx_ == nullptr) return;
    const float *dy = prologue_ ? dx_ : dy_;
    layout_.each_run(channel, [&](int64_t at, int64_t count) {
      blend_(dy + at, x_ + at, blend.a, blend.b, blend.c, count, dx_ + at);
    });
  }

  // dy of a run, where dx will be, or in scratch where nobody wants dx.
  const float *make_run(int64_t at, int64_t count, float *scratch) const {
    float *slots = scratch + kRun;
    each_block(at, count, [&](int64_t begin, int64_t elements) {
      prologue_->run(begin, elements, nullptr, scratch + (begin - at), slots);
    });
    return dx_ != nullptr ? dx_ + at : scratch;
  }

  void run_gathered(int64_t channel, float *dy) const {
    const int64_t elements = layout_.elements(), inner = layout_.inner;
    float *x = dy + kGathered, *to_dy = dy, *to_x = x;
    layout_.each_run(channel, [&](int64_t at, int64_t count) {
      to_dy = std::copy_n(dy_ + at, count, to_dy);
      to_x = std::copy_n(x_ + at, count, to_x);
    });
    Total total;
    for (int64_t at = 0; at < elements; at += kRun) {
      total.add(sums_(dy + at, x + at, mean_[channel], std::min(kRun, elements - at)));
    }
    const Blend blend = finish(channel, total);
    if (dx_ == nullptr) return;
    blend_(dy, x, blend.a, blend.b, blend.c, elements, dy);
    for (int64_t i = 0; i < layout_.n; ++i) {
      std::copy_n(dy + i * inner, inner, dx_ + (i * layout_.c + channel) * inner);
    }
  }

  ThreadPool &pool_;
  Layout layout_;
  decltype(&baseline::grad_sums_of) sums_ = DLC_DISPATCH(grad_sums_of);
  decltype(&baseline::blend_run) blend_ = DLC_DISPATCH(blend_run);
  double epsilon_ = 0;
  const float *dy_ = nullptr, *x_ = nullptr, *gamma_ = nullptr, *mean_ = nullptr, *variance_ = nullptr;
  float *dx_ = nullptr, *dgamma_ = nullptr, *dbeta_ = nullptr;
  std::optional<FusedRunner> prologue_;
};

std::unique_ptr<Kernel> make_train(const KernelArgs &args, bool fused) {
  require(
      fused ? args.inputs.size() >= 3 && args.outputs.size() >= 3 : args.inputs.size() == 3 && args.outputs.size() == 3,
      "batch_norm_train has three inputs, three outputs");
  if (has_channels_last(args.inputs[0], args.attrs)) return make_batch_norm_last(args, fused);
  return std::make_unique<BatchNormTrain>(args, fused);
}

std::unique_ptr<Kernel> make_grad(const KernelArgs &args, bool fused) {
  require(
      fused ? args.inputs.size() >= 5 && args.outputs.size() >= 3 : args.inputs.size() == 5 && args.outputs.size() == 3,
      "batch_norm_grad has five inputs, three outputs");
  if (has_channels_last(args.inputs[fused ? 0 : 1], args.attrs)) return make_batch_norm_last_grad(args, fused);
  return std::make_unique<BatchNormGrad>(args, fused);
}

}  // namespace

std::unique_ptr<Kernel> make_batch_norm_train(const KernelArgs &args) {
  return make_train(args, false);
}
std::unique_ptr<Kernel> make_batch_norm_grad(const KernelArgs &args) {
  return make_grad(args, false);
}
std::unique_ptr<Kernel> make_fused_batch_norm(const KernelArgs &args) {
  return make_train(args, true);
}
std::unique_ptr<Kernel> make_fused_batch_norm_grad(const KernelArgs &args) {
  return make_grad(args, true);
}

}  // namespace dlc
