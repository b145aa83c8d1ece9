// max_pool(x) -> (y, index) and max_pool_grad(dy, index) -> dx, plane by plane. Of channels-last images and of
// bfloat16: pool_last.cpp.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <limits>

#include "../kernel.h"
#include "pool_last.h"
#include "pool_maxima.h"
#include "pool_window.h"

namespace dlc {
namespace {

int64_t planes_a_task(int64_t plane) {
  return std::max<int64_t>(1, kPoolTaskElements / std::max<int64_t>(1, plane));
}

// Inputs of the lines that are taken together, about: half of L1.
constexpr int64_t kLinesElements = 6144;

class MaxPool final : public Kernel {
 public:
  explicit MaxPool(const KernelArgs &args)
      : pool_(args.pool), max_lines_(DLC_DISPATCH(max_lines)), max_run_(DLC_DISPATCH(max_run)) {
    const Tensor &x = args.inputs[0], &y = args.outputs[0], &index = args.outputs[1];
    const Tensor &shaped = y.data != nullptr ? y : index;
    require(x.dtype == DLC_F32, "max_pool is for f32");
    x_ = x.as<float>();
    y_ = y.as<float>();
    index_ = index.as<int32_t>();
    if (shaped.data == nullptr) return;
    require(y.data == nullptr || (y.dtype == DLC_F32 && y.shape == shaped.shape), "max_pool: wrong output");
    require(index.data == nullptr || (index.dtype == DLC_I32 && index.shape == shaped.shape), "max_pool: wrong index");
    window_ = pool_window(x.shape, shaped.shape, args.attrs);
    require(window_.in_plane() <= std::numeric_limits<int32_t>::max(), "max_pool: a plane is too large to index");
    if (window_.kernel[0] == 1) inner_ = window_.inner(2);
    inner_rows_ = window_.inner(1);
    lines_ = std::max<int64_t>(1, kLinesElements / (window_.stride[1] * window_.in[2]));
  }

  dlc_status run(RunContext &) override {
    if (y_ == nullptr && index_ == nullptr) return DLC_OK;
    const int64_t group = planes_a_task(window_.in_plane());
    pool_.parallel((window_.planes + group - 1) / group, [&](int64_t task, int) {
      for (int64_t p = task * group; p < std::min(window_.planes, (task + 1) * group); ++p) run_plane(p);
    });
    return DLC_OK;
  }

 private:
  void run_plane(int64_t p) const {
    const PoolWindow &w = window_;
    const float *x = x_ + p * w.in_plane();
    float *y = y_ == nullptr ? nullptr : y_ + p * w.out_plane();
    int32_t *index = index_ == nullptr ? nullptr : index_ + p * w.out_plane();
    const int64_t area = w.out[1] * w.out[2];
    for (int64_t d = 0; d < w.out[0]; ++d) {
      run_depth(x, d, y == nullptr ? nullptr : y + d * area, index == nullptr ? nullptr : index + d * area);
    }
  }

  // The outputs of a depth, at y and index: those of inner_ with the rows whose windows are as high as the kernel
  // together, the others one by one, as are all of windows that are deep.
  void run_depth(const float *x, int64_t d, float *y, int32_t *index) const {
    const PoolWindow &w = window_;
    for (int64_t h = 0; h < w.out[1]; ++h) {
      for (int64_t o = 0; o < inner_.begin; ++o) one(x, d, h, o, y, index);
      for (int64_t o = inner_.end; o < w.out[2]; ++o) one(x, d, h, o, y, index);
    }
    if (inner_.begin == inner_.end) return;
    for (int64_t h = 0; h < w.out[1];) {
      const bool whole = h >= inner_rows_.begin && h < inner_rows_.end;
      const int64_t lines = whole ? std::min(inner_rows_.end - h, lines_) : 1, to = h * w.out[2] + inner_.begin;
      const int64_t at = (w.first(0, d) * w.in[1] + w.first(1, h)) * w.in[2] + inner_.begin * w.stride[2] - w.low[2];
      max_lines_({.x = x + at,
                  .pitch = w.in[2],
                  .rows = w.last(1, h) - w.first(1, h),
                  .taps = w.kernel[2],
                  .stride = w.stride[2],
                  .lines = lines,
                  .count = inner_.end - inner_.begin,
                  .line_step = w.stride[1] * w.in[2],
                  .out_pitch = w.out[2],
                  .at = static_cast<int32_t>(at)},
                 y == nullptr ? nullptr : y + to, index == nullptr ? nullptr : index + to);
      h += lines;
    }
  }

  void one(const float *x, int64_t d, int64_t h, int64_t o, float *y, int32_t *index) const {
    const PoolWindow &w = window_;
    const int64_t top = w.first(1, h), first = w.first(2, o), taps = w.last(2, o) - first;
    float best = -std::numeric_limits<float>::infinity();
    auto where = static_cast<int32_t>((w.first(0, d) * w.in[1] + top) * w.in[2] + first);
    for (int64_t q = w.first(0, d); q < w.last(0, d); ++q) {
      for (int64_t r = top; r < w.last(1, h); ++r) {
        const int64_t at = (q * w.in[1] + r) * w.in[2] + first;
        max_run_(x + at, taps, static_cast<int32_t>(at), &best, &where);
      }
    }
    if (y != nullptr) y[h * w.out[2] + o] = best;
    if (index != nullptr) index[h * w.out[2] + o] = where;
  }

  ThreadPool &pool_;
  decltype(&baseline::max_lines) max_lines_;
  decltype(&baseline::max_run) max_run_;
  PoolWindow window_;
  // Of a row, and of rows: outputs whose taps all exist. None of a row where windows are deep.
  PoolWindow::Inner inner_{0, 0}, inner_rows_{0, 0};
  int64_t lines_ = 1;  // taken together at most: their inputs stay in L1
  const float *x_ = nullptr;
  float *y_ = nullptr;
  int32_t *index_ = nullptr;
};

class MaxPoolGrad final : public Kernel {
 public:
  explicit MaxPoolGrad(const KernelArgs &args) : pool_(args.pool) {
    const Tensor &dy = args.inputs[0], &index = args.inputs[1], &dx = args.outputs[0];
    require(dy.dtype == DLC_F32 && dx.dtype == DLC_F32 && index.dtype == DLC_I32, "max_pool_grad: wrong types");
    require(dy.shape == index.shape && dx.rank() >= 3 && dx.rank() == dy.rank(), "max_pool_grad: shapes differ");
    require(dx.shape[0] == dy.shape[0] && dx.shape[1] == dy.shape[1], "max_pool_grad: images or channels differ");
    require(args.attrs.integers("input_shape") == dx.shape, "max_pool_grad: wrong output shape");
    for (size_t i = 2; i < dx.shape.size(); ++i) {
      in_plane_ *= dx.shape[i];
      out_plane_ *= dy.shape[i];
    }
    planes_ = dx.shape[0] * dx.shape[1];
    dy_ = dy.as<float>();
    index_ = index.as<int32_t>();
    dx_ = dx.as<float>();
  }

  dlc_status run(RunContext &context) override {
    std::atomic<bool> astray{false};
    const int64_t group = planes_a_task(in_plane_);
    pool_.parallel((planes_ + group - 1) / group, [&](int64_t task, int) {
      for (int64_t p = task * group; p < std::min(planes_, (task + 1) * group); ++p) {
        if (!run_plane(p)) astray.store(true, std::memory_order_relaxed);
      }
    });
    if (!astray.load()) return DLC_OK;
    std::snprintf(context.message, sizeof context.message, "an index is outside the plane of %lld elements",
                  static_cast<long long>(in_plane_));
    return DLC_DATA_ERROR;
  }

 private:
  bool run_plane(int64_t p) const {
    float *dx = dx_ + p * in_plane_;
    const float *dy = dy_ + p * out_plane_;
    const int32_t *index = index_ + p * out_plane_;
    std::fill_n(dx, in_plane_, 0.0f);
    bool inside = true;
    for (int64_t o = 0; o < out_plane_; ++o) {
      if (index[o] < 0 || index[o] >= in_plane_) {
        inside = false;
        continue;
      }
      dx[index[o]] += dy[o];
    }
    return inside;
  }

  ThreadPool &pool_;
  int64_t planes_ = 0, in_plane_ = 1, out_plane_ = 1;
  const float *dy_ = nullptr;
  const int32_t *index_ = nullptr;
  float *dx_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_max_pool(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 2, "max_pool takes one input, gives two outputs");
  if (pools_channels_last(args)) return make_max_pool_last(args);
  return std::make_unique<MaxPool>(args);
}
std::unique_ptr<Kernel> make_max_pool_grad(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "max_pool_grad takes two inputs, gives one output");
  if (pools_channels_last(args)) return make_max_pool_last_grad(args);
  return std::make_unique<MaxPoolGrad>(args);
}

}  // namespace dlc
