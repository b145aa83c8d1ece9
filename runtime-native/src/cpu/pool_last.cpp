// Pooling of images whose channels lie side by side. A task is some rows of what is written; gradients of maxima, which
// may come to lie anywhere in the image, are collected image by image and channel block by channel block.
#include "pool_last.h"

#include <atomic>
#include <cstdio>
#include <limits>
#include <optional>
#include <type_traits>

#include "bf16_rows.h"
#include "image_layout.h"
#include "pool_pixels.h"
#include "pool_window.h"

namespace dlc {
namespace {

int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// Pooled and whole images, checked; all lengths between neighbours in elements.
struct Images {
  PoolWindow window;
  int64_t images, channels;

  Images(const Tensor &whole, const Tensor &pooled, const Attrs &attrs) {
    const bool last = channels_last(attrs);
    const std::vector<int64_t> shape = logical_image(whole.shape, last);
    window = pool_window(shape, logical_image(pooled.shape, last), attrs);
    images = last ? shape[0] : shape[0] * shape[1];
    channels = last ? shape[1] : 1;
  }

  // Calls f(image, depth, row) for the rows of planes of these extents, in parallel.
  template <typename F>
  void each_row(ThreadPool &pool, const PoolWindow::Axes &extents, F f) const {
    const int64_t rows = images * extents[0] * extents[1];
    const int64_t group = std::max<int64_t>(1, kPoolTaskElements / std::max<int64_t>(1, extents[2] * channels));
    pool.parallel(ceil_div(rows, group), [&](int64_t task, int) {
      for (int64_t row = task * group; row < std::min(rows, (task + 1) * group); ++row) {
        const int64_t plane = row / extents[1];
        f(plane / extents[0], plane % extents[0], row % extents[1]);
      }
    });
  }

  // Calls f(windows, first output, count) for the outputs of a row: together where no window meets the edge, else one
  // by one.
  template <typename T, typename F>
  void each_window(const T *x, int64_t image, int64_t d, int64_t h, F f) const {
    const PoolWindow &w = window;
    const PoolWindow::Inner inner = w.inner();
    const int64_t first = w.first(0, d) * w.in[1] + w.first(1, h);
    const auto plane = static_cast<int32_t>(w.in[1] * w.in[2]);
    for (int64_t o = 0; o < w.out[2];) {
      const bool together = o >= inner.begin && o < inner.end;
      const int64_t count = together ? inner.end - o : 1;
      const int64_t place = first * w.in[2] + w.first(2, o);
      f(PoolWindows<T>{.x = x + (image * w.in_plane() + place) * channels,
                       .depths = w.last(0, d) - w.first(0, d),
                       .rows = w.last(1, h) - w.first(1, h),
                       .taps = w.last(2, o) - w.first(2, o),
                       .depth_pitch = plane * channels,
                       .row_pitch = w.in[2] * channels,
                       .channels = channels,
                       .count = count,
                       .step = w.stride[2] * channels,
                       .place = static_cast<int32_t>(place),
                       .depth_places = plane,
                       .row_places = static_cast<int32_t>(w.in[2]),
                       .step_places = static_cast<int32_t>(w.stride[2])},
        o);
      o += count;
    }
  }

  // The first output of a row.
  int64_t output_row(int64_t image, int64_t d, int64_t h) const {
    return (image * window.out_plane() + (d * window.out[1] + h) * window.out[2]) * channels;
  }
};

template <typename T>
class MaxPoolLast final : public Kernel {
 public:
  explicit MaxPoolLast(const KernelArgs &args) : pool_(args.pool) {
    const Tensor &x = args.inputs[0], &y = args.outputs[0], &index = args.outputs[1];
    const Tensor &shaped = y.data != nullptr ? y : index;
    x_ = x.as<T>();
    y_ = y.as<T>();
    index_ = index.as<int32_t>();
    if (shaped.data == nullptr) return;
    require(y.data == nullptr || (y.dtype == x.dtype && y.shape == shaped.shape), "max_pool: wrong output");
    require(index.data == nullptr || (index.dtype == DLC_I32 && index.shape == shaped.shape), "max_pool: wrong index");
    images_.emplace(x, shaped, args.attrs);
    require(images_->window.in_plane() <= std::numeric_limits<int32_t>::max(),
            "max_pool: a plane is too large to index");
  }

  dlc_status run(RunContext &) override {
    if (!images_) return DLC_OK;
    images_->each_row(pool_, images_->window.out, [&](int64_t image, int64_t d, int64_t h) {
      const int64_t to = images_->output_row(image, d, h);
      images_->each_window(x_, image, d, h, [&](const PoolWindows<T> &windows, int64_t o) {
        const int64_t at = to + o * images_->channels;
        loops_.maxima(windows, y_ == nullptr ? nullptr : y_ + at, index_ == nullptr ? nullptr : index_ + at);
      });
    });
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  PoolPixels<T> loops_ = pool_pixels_for<T>();
  std::optional<Images> images_;
  const T *x_ = nullptr;
  T *y_ = nullptr;
  int32_t *index_ = nullptr;
};

// Sums of a part of an image at a time: in dx itself, or in the lane's scratch where that is bfloat16. Which outputs
// won there is looked up by groups of outputs, whose least and largest index is taken before.
template <typename T>
class MaxPoolLastGrad final : public Kernel {
 public:
  explicit MaxPoolLastGrad(const KernelArgs &args) : pool_(args.pool) {
    const Tensor &dy = args.inputs[0], &index = args.inputs[1], &dx = args.outputs[0];
    require(dx.dtype == dy.dtype && index.dtype == DLC_I32, "max_pool_grad: wrong types");
    require(dy.shape == index.shape && dx.rank() == dy.rank(), "max_pool_grad: shapes differ");
    require(args.attrs.integers("input_shape") == dx.shape, "max_pool_grad: wrong output shape");
    const bool last = channels_last(args.attrs);
    const std::vector<int64_t> whole = logical_image(dx.shape, last), pooled = logical_image(dy.shape, last);
    require(whole.size() >= 3 && whole[0] == pooled[0] && whole[1] == pooled[1],
            "max_pool_grad: images or channels differ");
    for (size_t i = 2; i < whole.size(); ++i) {
      in_plane_ *= whole[i];
      out_plane_ *= pooled[i];
    }
    images_ = last ? whole[0] : whole[0] * whole[1];
    channels_ = last ? whole[1] : 1;
    block_ = std::clamp<int64_t>(channels_, 1, images_ >= kManyImages ? kWideBlock : kNarrowBlock);
    segment_ = kSums / block_;
    group_ = std::max<int64_t>(32, ceil_div(out_plane_, kMostGroups));
    dy_ = dy.as<T>();
    index_ = index.as<int32_t>();
    dx_ = dx.as<T>();
  }

  dlc_status run(RunContext &context) override {
    if (dx_ == nullptr) return DLC_OK;
    std::atomic<bool> astray{false};
    const int64_t blocks = ceil_div(channels_, block_);
    pool_.parallel(images_ * blocks, [&](int64_t task, int lane) {
      auto *const ranges = reinterpret_cast<Range *>(pool_.scratch(lane));
      const int64_t image = task / blocks, first = task % blocks * block_;
      if (!run_block(image, first, std::min(block_, channels_ - first), ranges)) {
        astray.store(true, std::memory_order_relaxed);
      }
    });
    if (!astray.load()) return DLC_OK;
    std::snprintf(context.message, sizeof context.message, "an index is outside the plane of %lld elements",
                  static_cast<long long>(in_plane_));
    return DLC_DATA_ERROR;
  }

 private:
  struct Range {
    int32_t least, most;
  };
  static constexpr int64_t kManyImages = 16, kWideBlock = 256, kNarrowBlock = 64;
  static constexpr int64_t kMostGroups = 8192, kSums = 65536;
  static_assert(kMostGroups * sizeof(Range) + kSums * sizeof(float) <= ThreadPool::kLaneScratchBytes);

  // Calls f(first pixel, elements) for `width` channels of each pixel, or once where that is all of them.
  template <typename F>
  static void each_run(int64_t pixels, int64_t width, int64_t pitch, F f) {
    if (width == pitch) return f(0, pixels * width);
    for (int64_t i = 0; i < pixels; ++i) f(i, width);
  }

  bool run_block(int64_t image, int64_t first, int64_t width, Range *ranges) const {
    auto *const scratch = reinterpret_cast<float *>(ranges + kMostGroups);
    const int64_t outputs = image * out_plane_ * channels_ + first, groups = ceil_div(out_plane_, group_);
    T *const dx = dx_ + image * in_plane_ * channels_ + first;
    bool inside = true;
    const auto pixels_of = [&](int64_t g) { return std::min(group_, out_plane_ - g * group_); };
    for (int64_t g = 0; g < groups; ++g) {
      Range &range = ranges[g];
      range_(index_ + outputs + g * group_ * channels_, pixels_of(g), channels_, width, &range.least, &range.most);
      inside = inside && range.least >= 0 && range.most < in_plane_;
    }
    for (int64_t low = 0; low < in_plane_; low += segment_) {
      const int64_t high = std::min(in_plane_, low + segment_);
      float *sums = scratch;
      int64_t pitch = width;
      if constexpr (std::is_same_v<T, float>) sums = dx + low * channels_, pitch = channels_;
      each_run(high - low, width, pitch, [&](int64_t i, int64_t count) { std::fill_n(sums + i * pitch, count, 0.0f); });
      for (int64_t g = 0; g < groups; ++g) {
        if (ranges[g].most < low || ranges[g].least >= high) continue;
        const int64_t at = outputs + g * group_ * channels_;
        loops_.collect({dy_ + at, index_ + at, pixels_of(g), channels_, width, low, high, sums, pitch});
      }
      if constexpr (!std::is_same_v<T, float>) {
        each_run(high - low, width, channels_,
                 [&](int64_t i, int64_t count) { narrow_(sums + i * width, count, dx + (low + i) * channels_); });
      }
    }
    return inside;
  }

  ThreadPool &pool_;
  PoolPixels<T> loops_ = pool_pixels_for<T>();
  decltype(&baseline::index_range) range_ = DLC_DISPATCH(index_range);
  decltype(&baseline::narrow) narrow_ = DLC_DISPATCH(narrow);
  int64_t images_ = 0, channels_ = 0, in_plane_ = 1, out_plane_ = 1;
  int64_t block_, segment_, group_;  // channels of a task, pixels of a part, outputs of a group
  const T *dy_ = nullptr;
  const int32_t *index_ = nullptr;
  T *dx_ = nullptr;
};

// What is multiplied instead of divided by, for each axis.
std::array<std::vector<float>, 3> shares_of(const Images &images, const Attrs &attrs, size_t spatial) {
  std::array<std::vector<float>, 3> shares = PoolDivisors(images.window, attrs, spatial).axes;
  for (std::vector<float> &axis : shares) {
    for (float &value : axis) value = 1 / value;
  }
  return shares;
}

template <typename T>
class AvgPoolLast final : public Kernel {
 public:
  explicit AvgPoolLast(const KernelArgs &args)
      : pool_(args.pool),
        images_(args.inputs[0], args.outputs[0], args.attrs),
        shares_(shares_of(images_, args.attrs, args.inputs[0].shape.size() - 2)),
        x_(args.inputs[0].as<T>()),
        y_(args.outputs[0].as<T>()) {
    require(args.outputs[0].dtype == args.inputs[0].dtype, "avg_pool: wrong type");
  }

  dlc_status run(RunContext &) override {
    if (y_ == nullptr) return DLC_OK;
    images_.each_row(pool_, images_.window.out, [&](int64_t image, int64_t d, int64_t h) {
      const int64_t to = images_.output_row(image, d, h);
      const float by = shares_[0][static_cast<size_t>(d)] * shares_[1][static_cast<size_t>(h)];
      images_.each_window(x_, image, d, h, [&](PoolWindows<T> windows, int64_t o) {
        float shares[kPoolPiece];
        const int64_t all = windows.count;
        for (int64_t i = 0; i < all; i += kPoolPiece) {
          windows.count = std::min(kPoolPiece, all - i);
          for (int64_t j = 0; j < windows.count; ++j) shares[j] = by * shares_[2][static_cast<size_t>(o + i + j)];
          loops_.sums(windows, shares, y_ + to + (o + i) * images_.channels);
          windows.x += windows.count * windows.step;
        }
      });
    });
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  PoolPixels<T> loops_ = pool_pixels_for<T>();
  Images images_;
  std::array<std::vector<float>, 3> shares_;
  const T *x_;
  T *y_;
};

template <typename T>
class AvgPoolLastGrad final : public Kernel {
 public:
  explicit AvgPoolLastGrad(const KernelArgs &args)
      : pool_(args.pool),
        images_(args.outputs[0], args.inputs[0], args.attrs),
        shares_(shares_of(images_, args.attrs, args.inputs[0].shape.size() - 2)),
        dy_(args.inputs[0].as<T>()),
        dx_(args.outputs[0].as<T>()) {
    require(args.outputs[0].dtype == args.inputs[0].dtype, "avg_pool_grad: wrong type");
    require(args.attrs.integers("input_shape") == args.outputs[0].shape, "avg_pool_grad: wrong output shape");
    for (int64_t i = 0; i < images_.window.in[2]; ++i) {
      first_.push_back(static_cast<int32_t>(first(2, i)));
      last_.push_back(static_cast<int32_t>(last(2, i)));
    }
  }

  dlc_status run(RunContext &) override {
    if (dx_ == nullptr) return DLC_OK;
    const PoolWindow &w = images_.window;
    images_.each_row(pool_, w.in, [&](int64_t image, int64_t d, int64_t h) {
      const int64_t d0 = first(0, d), h0 = first(1, h);
      const int64_t pitch = w.out[2] * images_.channels;
      loops_.spread({.dy = dy_ + images_.output_row(image, d0, h0),
                     .depths = std::max<int64_t>(0, last(0, d) - d0),
                     .rows = std::max<int64_t>(0, last(1, h) - h0),
                     .depth_pitch = w.out[1] * pitch,
                     .row_pitch = pitch,
                     .channels = images_.channels,
                     .depth_shares = shares_[0].data() + d0,
                     .row_shares = shares_[1].data() + h0,
                     .column_shares = shares_[2].data(),
                     .first = first_.data(),
                     .last = last_.data(),
                     .count = w.in[2]},
                    dx_ + (image * w.in_plane() + (d * w.in[1] + h) * w.in[2]) * images_.channels);
    });
    return DLC_OK;
  }

 private:
  // Outputs [first, last) whose windows hold input i; first is an output even where there are none.
  int64_t first(size_t axis, int64_t i) const {
    const PoolWindow &w = images_.window;
    const int64_t behind = i + w.low[axis] - w.kernel[axis] + 1;
    return std::clamp<int64_t>(ceil_div(std::max<int64_t>(0, behind), w.stride[axis]), 0, w.out[axis] - 1);
  }
  int64_t last(size_t axis, int64_t i) const {
    const PoolWindow &w = images_.window;
    const int64_t end = std::min(w.out[axis], (i + w.low[axis]) / w.stride[axis] + 1);
    // Between windows that stand apart nothing holds i.
    return w.last(axis, first(axis, i)) > i ? end : first(axis, i);
  }

  ThreadPool &pool_;
  PoolPixels<T> loops_ = pool_pixels_for<T>();
  Images images_;
  std::array<std::vector<float>, 3> shares_;
  std::vector<int32_t> first_, last_;
  const T *dy_;
  T *dx_;
};

template <template <typename> typename K>
std::unique_ptr<Kernel> make_for(const KernelArgs &args) {
  const dlc_dtype dtype = args.inputs[0].dtype;
  require(dtype == DLC_F32 || dtype == DLC_BF16, "pooling is for f32 and bf16");
  if (dtype == DLC_BF16) return std::make_unique<K<Bf16>>(args);
  return std::make_unique<K<float>>(args);
}

}  // namespace

bool pools_channels_last(const KernelArgs &args) {
  return channels_last(args.attrs) || args.inputs[0].dtype == DLC_BF16;
}

std::unique_ptr<Kernel> make_max_pool_last(const KernelArgs &args) {
  return make_for<MaxPoolLast>(args);
}
std::unique_ptr<Kernel> make_max_pool_last_grad(const KernelArgs &args) {
  return make_for<MaxPoolLastGrad>(args);
}
std::unique_ptr<Kernel> make_avg_pool_last(const KernelArgs &args) {
  return make_for<AvgPoolLast>(args);
}
std::unique_ptr<Kernel> make_avg_pool_last_grad(const KernelArgs &args) {
  return make_for<AvgPoolLastGrad>(args);
}

}  // namespace dlc
