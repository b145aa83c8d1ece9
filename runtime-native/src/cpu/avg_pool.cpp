// avg_pool(x) and avg_pool_grad(dy): sums over windows, divided by what a window counts. The divisor is a product of
// one number for each axis. Of channels-last images and of bfloat16: pool_last.cpp.
#include "../kernel.h"
#include "pool_last.h"
#include "pool_rows.h"
#include "pool_window.h"

namespace dlc {
namespace {

// Wider kernels are summed window by window: the columns of a piece of outputs have to fit into the lane's scratch.
constexpr int64_t kWidestKernel = 64;
// Runs up to this are summed on the spot.
constexpr int64_t kShortRun = 8;
static_assert((kPoolPiece * kWidestKernel + kWidestKernel) * sizeof(float) <= ThreadPool::kLaneScratchBytes);

// Outputs that are taken a row at a time; the others, and all where windows are long or deep, one by one.
PoolWindow::Inner by_row(const PoolWindow &w) {
  const bool long_windows = w.out[2] < w.kernel[2] || w.kernel[2] > kWidestKernel || w.stride[2] > kWidestKernel;
  return long_windows || w.kernel[0] > 1 ? PoolWindow::Inner{w.out[2], w.out[2]} : w.inner();
}

// What both directions share.
class Averaging : public Kernel {
 protected:
  Averaging(const KernelArgs &args, const Tensor &image, const Tensor &pooled)
      : pool_(args.pool),
        window_(pool_window(image.shape, pooled.shape, args.attrs)),
        divisors_(window_, args.attrs, image.shape.size() - 2),
        inner_(by_row(window_)) {}

  // Calls f(plane, scratch) for every plane, in parallel.
  template <typename F>
  void each_plane(F f) {
    const int64_t group = std::max<int64_t>(1, kPoolTaskElements / window_.in_plane());
    pool_.parallel((window_.planes + group - 1) / group, [&](int64_t task, int lane) {
      float *scratch = reinterpret_cast<float *>(pool_.scratch(lane));
      for (int64_t p = task * group; p < std::min(window_.planes, (task + 1) * group); ++p) f(p, scratch);
    });
  }

  // Outputs [o, o + count) of row h of depth d, all of inner_: their windows as loops want them, and where they begin.
  PoolRow row_of(int64_t d, int64_t h, int64_t o, int64_t count, int64_t &at) const {
    const PoolWindow &w = window_;
    const int64_t top = w.first(1, h);
    at = (w.first(0, d) * w.in[1] + top) * w.in[2] + o * w.stride[2] - w.low[2];
    return {nullptr, w.in[2], w.last(1, h) - top, count, w.stride[2], w.kernel[2]};
  }

  // Calls f(flat position, count) for the parts of output o's window that lie in one row of the image.
  template <typename F>
  void each_part(int64_t d, int64_t h, int64_t o, F f) const {
    const PoolWindow &w = window_;
    const int64_t first = w.first(2, o), taps = w.last(2, o) - first;
    for (int64_t q = w.first(0, d); q < w.last(0, d); ++q) {
      for (int64_t r = w.first(1, h); r < w.last(1, h); ++r) f((q * w.in[1] + r) * w.in[2] + first, taps);
    }
  }

  ThreadPool &pool_;
  PoolWindow window_;
  PoolDivisors divisors_;
  PoolWindow::Inner inner_;
};

class AvgPool final : public Averaging {
 public:
  AvgPool(const KernelArgs &args, const Tensor &x, const Tensor &y)
      : Averaging(args, x, y), x_(x.as<float>()), y_(y.as<float>()) {}

  dlc_status run(RunContext &) override {
    each_plane([&](int64_t p, float *scratch) {
      const float *x = x_ + p * window_.in_plane();
      float *y = y_ + p * window_.out_plane();
      for (int64_t d = 0; d < window_.out[0]; ++d) {
        for (int64_t h = 0; h < window_.out[1]; ++h, y += window_.out[2]) run_row(x, d, h, scratch, y);
      }
    });
    return DLC_OK;
  }

 private:
  void run_row(const float *x, int64_t d, int64_t h, float *scratch, float *y) const {
    const auto one = [&](int64_t o) {
      y[o] = 0;
      each_part(d, h, o, [&](int64_t at, int64_t count) {
        if (count > kShortRun) {
          y[o] += sum_run_(x + at, count);
        } else {
          for (int64_t i = 0; i < count; ++i) y[o] += x[at + i];
        }
      });
    };
    for (int64_t o = 0; o < inner_.begin; ++o) one(o);
    for (int64_t o = inner_.end; o < window_.out[2]; ++o) one(o);
    for (int64_t o = inner_.begin; o < inner_.end; o += kPoolPiece) {
      int64_t at = 0;
      PoolRow row = row_of(d, h, o, std::min(kPoolPiece, inner_.end - o), at);
      row.x = x + at;
      sum_row_(row, scratch, y + o);
    }
    const float by = divisors_.row(d, h);
    const float *columns = divisors_.columns();
    for (int64_t o = 0; o < window_.out[2]; ++o) y[o] /= by * columns[o];
  }

  decltype(&baseline::sum_row) sum_row_ = DLC_DISPATCH(sum_row);
  decltype(&baseline::sum_run) sum_run_ = DLC_DISPATCH(sum_run);
  const float *x_;
  float *y_;
};

class AvgPoolGrad final : public Averaging {
 public:
  AvgPoolGrad(const KernelArgs &args, const Tensor &dy, const Tensor &dx)
      : Averaging(args, dx, dy), dy_(dy.as<float>()), dx_(dx.as<float>()) {}

  dlc_status run(RunContext &) override {
    each_plane([&](int64_t p, float *scratch) {
      const float *dy = dy_ + p * window_.out_plane();
      float *dx = dx_ + p * window_.in_plane();
      std::fill_n(dx, window_.in_plane(), 0.0f);
      for (int64_t d = 0; d < window_.out[0]; ++d) {
        for (int64_t h = 0; h < window_.out[1]; ++h, dy += window_.out[2]) run_row(dy, d, h, scratch, dx);
      }
    });
    return DLC_OK;
  }

 private:
  void run_row(const float *dy, int64_t d, int64_t h, float *scratch, float *dx) const {
    const float by = divisors_.row(d, h);
    const float *columns = divisors_.columns();
    const auto one = [&](int64_t o) {
      const float share = dy[o] / (by * columns[o]);
      each_part(d, h, o, [&](int64_t at, int64_t count) {
        for (int64_t i = 0; i < count; ++i) dx[at + i] += share;
      });
    };
    for (int64_t o = 0; o < inner_.begin; ++o) one(o);
    for (int64_t o = inner_.end; o < window_.out[2]; ++o) one(o);
    for (int64_t o = inner_.begin; o < inner_.end; o += kPoolPiece) {
      int64_t at = 0;
      const PoolRow row = row_of(d, h, o, std::min(kPoolPiece, inner_.end - o), at);
      float shares[kPoolPiece];
      for (int64_t i = 0; i < row.count; ++i) shares[i] = dy[o + i] / (by * columns[o + i]);
      spread_row_(row, shares, scratch, dx + at);
    }
  }

  decltype(&baseline::spread_row) spread_row_ = DLC_DISPATCH(spread_row);
  const float *dy_;
  float *dx_;
};

}  // namespace

std::unique_ptr<Kernel> make_avg_pool(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "avg_pool takes one input, gives one output");
  if (pools_channels_last(args)) return make_avg_pool_last(args);
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  require(x.dtype == DLC_F32 && y.dtype == DLC_F32, "avg_pool is for f32");
  return std::make_unique<AvgPool>(args, x, y);
}

std::unique_ptr<Kernel> make_avg_pool_grad(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "avg_pool_grad takes one input, gives one output");
  if (pools_channels_last(args)) return make_avg_pool_last_grad(args);
  const Tensor &dy = args.inputs[0], &dx = args.outputs[0];
  require(dy.dtype == DLC_F32 && dx.dtype == DLC_F32, "avg_pool_grad is for f32");
  require(args.attrs.integers("input_shape") == dx.shape, "avg_pool_grad: wrong output shape");
  return std::make_unique<AvgPoolGrad>(args, dy, dx);
}

}  // namespace dlc
