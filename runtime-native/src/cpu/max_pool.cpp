// max_pool(x) -> (y, index) and max_pool_grad(dy, index) -> dx, plane by plane. Of channels-last images and of
// bfloat16: pool_last.cpp.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <limits>

#include "../kernel.h"
#include "pool_last.h"
#include "pool_rows.h"
#include "pool_window.h"

namespace dlc {
namespace {

int64_t planes_a_task(int64_t plane) {
  return std::max<int64_t>(1, kPoolTaskElements / std::max<int64_t>(1, plane));
}

class MaxPool final : public Kernel {
 public:
  explicit MaxPool(const KernelArgs &args)
      : pool_(args.pool), max_row_(DLC_DISPATCH(max_row)), max_run_(DLC_DISPATCH(max_run)) {
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
    float best[kPoolPiece];
    int32_t index[kPoolPiece];
    int64_t at = p * w.out_plane();
    for (int64_t d = 0; d < w.out[0]; ++d) {
      for (int64_t h = 0; h < w.out[1]; ++h) {
        for (int64_t o = 0; o < w.out[2]; o += kPoolPiece) {
          const int64_t count = std::min(kPoolPiece, w.out[2] - o);
          run_piece(x, d, h, o, count, best, index);
          if (y_ != nullptr) std::copy_n(best, count, y_ + at);
          if (index_ != nullptr) std::copy_n(index, count, index_ + at);
          at += count;
        }
      }
    }
  }

  void run_piece(const float *x, int64_t d, int64_t h, int64_t o, int64_t count, float *best, int32_t *index) const {
    const PoolWindow &w = window_;
    const int64_t top = w.first(1, h), rows = w.last(1, h) - top;
    // Outputs [begin, end) of this piece have their whole windows inside the image; deep windows are taken row by row.
    const int64_t begin = w.kernel[0] > 1 ? count : std::clamp(w.inner().begin - o, int64_t{0}, count);
    const int64_t end = w.kernel[0] > 1 ? count : std::clamp(w.inner().end - o, begin, count);
    const auto one = [&](int64_t i) {
      const int64_t first = w.first(2, o + i), taps = w.last(2, o + i) - first;
      best[i] = -std::numeric_limits<float>::infinity();
      index[i] = static_cast<int32_t>((w.first(0, d) * w.in[1] + top) * w.in[2] + first);
      for (int64_t q = w.first(0, d); q < w.last(0, d); ++q) {
        for (int64_t r = top; r < top + rows; ++r) {
          const int64_t at = (q * w.in[1] + r) * w.in[2] + first;
          max_run_(x + at, taps, static_cast<int32_t>(at), best + i, index + i);
        }
      }
    };
    for (int64_t i = 0; i < begin; ++i) one(i);
    for (int64_t i = end; i < count; ++i) one(i);
    if (end <= begin) return;
    const int64_t at = (w.first(0, d) * w.in[1] + top) * w.in[2] + (o + begin) * w.stride[2] - w.low[2];
    max_row_({x + at, w.in[2], rows, end - begin, w.stride[2], w.kernel[2], static_cast<int32_t>(at)}, best + begin,
             index + begin);
  }

  ThreadPool &pool_;
  decltype(&baseline::max_row) max_row_;
  decltype(&baseline::max_run) max_run_;
  PoolWindow window_;
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
