// avg_pool(x) and avg_pool_grad(dy): sums over windows, divided by what a window counts. The divisor is a product of
// one number for each axis.
#include <array>

#include "../kernel.h"
#include "pool_rows.h"
#include "pool_window.h"

namespace dlc {
namespace {

constexpr int64_t kTaskElements = 16384;

// Divisors of each axis, by output position.
struct Divisors {
  std::array<std::vector<float>, 3> axes;

  Divisors(const PoolWindow &window, const Attrs &attrs, size_t spatial) {
    const PoolWindow::Axes overhang = pool_axes(attrs, "overhang", spatial, 0);
    const bool include_pad = attrs.boolean("count_include_pad");
    for (size_t i = 0; i < 3; ++i) {
      require(overhang[i] <= window.high[i], "avg_pool: overhang beyond the padding");
      for (int64_t o = 0; o < window.out[i]; ++o) {
        int64_t count = window.last(i, o) - window.first(i, o);
        if (include_pad) {
          const int64_t begin = o * window.stride[i] - window.low[i];
          count = std::min(begin + window.kernel[i], window.in[i] + window.high[i] - overhang[i]) - begin;
        }
        require(count > 0, "avg_pool: a window counts nothing");
        axes[i].push_back(static_cast<float>(count));
      }
    }
  }
  float at(int64_t d, int64_t h, int64_t w) const {
    return axes[0][static_cast<size_t>(d)] * axes[1][static_cast<size_t>(h)] * axes[2][static_cast<size_t>(w)];
  }
};

// Outputs [begin, end) of a row whose taps are all inside the image.
struct Inner {
  int64_t begin, end;
  explicit Inner(const PoolWindow &w) {
    begin = std::min((w.low[2] + w.stride[2] - 1) / w.stride[2], w.out[2]);
    const int64_t fit = w.in[2] + w.low[2] - w.kernel[2];
    end = std::clamp(fit < 0 ? 0 : fit / w.stride[2] + 1, begin, w.out[2]);
  }
};

class AvgPool final : public Kernel {
 public:
  AvgPool(const KernelArgs &args, const Tensor &x, const Tensor &y)
      : pool_(args.pool),
        sum_row_(DLC_DISPATCH(sum_row)),
        sum_run_(DLC_DISPATCH(sum_run)),
        window_(pool_window(x.shape, y.shape, args.attrs)),
        divisors_(window_, args.attrs, x.shape.size() - 2),
        inner_(window_),
        x_(x.as<float>()),
        y_(y.as<float>()) {
    // Few outputs with long windows (global pooling): each window's row is one run.
    if (window_.out[2] < window_.kernel[2]) inner_.end = inner_.begin;
  }

  dlc_status run(RunContext &) override {
    const int64_t group = std::max<int64_t>(1, kTaskElements / window_.in_plane());
    pool_.parallel((window_.planes + group - 1) / group, [&](int64_t task, int) {
      for (int64_t p = task * group; p < std::min(window_.planes, (task + 1) * group); ++p) run_plane(p);
    });
    return DLC_OK;
  }

 private:
  void run_plane(int64_t p) const {
    const PoolWindow &w = window_;
    const float *x = x_ + p * w.in_plane();
    float *y = y_ + p * w.out_plane();
    for (int64_t d = 0; d < w.out[0]; ++d) {
      for (int64_t h = 0; h < w.out[1]; ++h, y += w.out[2]) {
        std::fill_n(y, w.out[2], 0.0f);
        for (int64_t q = w.first(0, d); q < w.last(0, d); ++q) {
          for (int64_t r = w.first(1, h); r < w.last(1, h); ++r) add_row(x + (q * w.in[1] + r) * w.in[2], y);
        }
        for (int64_t o = 0; o < w.out[2]; ++o) y[o] /= divisors_.at(d, h, o);
      }
    }
  }

  void add_row(const float *x, float *y) const {
    const PoolWindow &w = window_;
    const auto one = [&](int64_t o) { y[o] += sum_run_(x + w.first(2, o), w.last(2, o) - w.first(2, o)); };
    for (int64_t o = 0; o < inner_.begin; ++o) one(o);
    for (int64_t o = inner_.end; o < w.out[2]; ++o) one(o);
    if (inner_.end > inner_.begin) {
      sum_row_(x + inner_.begin * w.stride[2] - w.low[2], inner_.end - inner_.begin, w.stride[2], w.kernel[2],
               y + inner_.begin);
    }
  }

  ThreadPool &pool_;
  decltype(&baseline::sum_row) sum_row_;
  decltype(&baseline::sum_run) sum_run_;
  PoolWindow window_;
  Divisors divisors_;
  Inner inner_;
  const float *x_;
  float *y_;
};

class AvgPoolGrad final : public Kernel {
 public:
  AvgPoolGrad(const KernelArgs &args, const Tensor &dy, const Tensor &dx)
      : pool_(args.pool),
        window_(pool_window(dx.shape, dy.shape, args.attrs)),
        divisors_(window_, args.attrs, dx.shape.size() - 2),
        dy_(dy.as<float>()),
        dx_(dx.as<float>()) {}

  dlc_status run(RunContext &) override {
    const int64_t group = std::max<int64_t>(1, kTaskElements / window_.in_plane());
    pool_.parallel((window_.planes + group - 1) / group, [&](int64_t task, int) {
      for (int64_t p = task * group; p < std::min(window_.planes, (task + 1) * group); ++p) run_plane(p);
    });
    return DLC_OK;
  }

 private:
  void run_plane(int64_t p) const {
    const PoolWindow &w = window_;
    const float *dy = dy_ + p * w.out_plane();
    float *dx = dx_ + p * w.in_plane();
    std::fill_n(dx, w.in_plane(), 0.0f);
    for (int64_t d = 0; d < w.out[0]; ++d) {
      for (int64_t h = 0; h < w.out[1]; ++h) {
        for (int64_t o = 0; o < w.out[2]; ++o) {
          const float share = *dy++ / divisors_.at(d, h, o);
          const int64_t first = w.first(2, o), last = w.last(2, o);
          for (int64_t q = w.first(0, d); q < w.last(0, d); ++q) {
            for (int64_t r = w.first(1, h); r < w.last(1, h); ++r) {
              float *row = dx + (q * w.in[1] + r) * w.in[2];
              for (int64_t i = first; i < last; ++i) row[i] += share;
            }
          }
        }
      }
    }
  }

  ThreadPool &pool_;
  PoolWindow window_;
  Divisors divisors_;
  const float *dy_;
  float *dx_;
};

}  // namespace

std::unique_ptr<Kernel> make_avg_pool(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "avg_pool takes one input, gives one output");
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  require(x.dtype == DLC_F32 && y.dtype == DLC_F32, "avg_pool is for f32");
  return std::make_unique<AvgPool>(args, x, y);
}

std::unique_ptr<Kernel> make_avg_pool_grad(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "avg_pool_grad takes one input, gives one output");
  const Tensor &dy = args.inputs[0], &dx = args.outputs[0];
  require(dy.dtype == DLC_F32 && dx.dtype == DLC_F32, "avg_pool_grad is for f32");
  require(args.attrs.integers("input_shape") == dx.shape, "avg_pool_grad: wrong output shape");
  return std::make_unique<AvgPoolGrad>(args, dy, dx);
}

}  // namespace dlc
