// Depthwise convolution and its weight gradient: a task is a plane, or a channel of all images.
#include "conv_depthwise.h"

#include <algorithm>

namespace dlc {
namespace {

constexpr int64_t kScratchFloats = ThreadPool::kLaneScratchBytes / sizeof(float);
constexpr int64_t kLanes = 16;

// Halves the block until `floats(rows, columns)` are at most as many as there are.
template <typename F>
void fit_block(const ConvShape &shape, int64_t available, int64_t &rows, int64_t &columns, F floats) {
  rows = shape.out[1];
  columns = shape.out[2];
  while (floats(rows, columns) > available && rows * columns > 1) {
    int64_t &extent = rows > 1 ? rows : columns;
    extent = (extent + 1) / 2;
  }
  if (floats(rows, columns) > available) throw Failure(DLC_UNSUPPORTED, "conv: the kernel's reach is too large");
}

// Calls f(block) for the blocks of an output volume.
template <typename F>
void each_block(const ConvShape &s, int64_t rows, int64_t columns, F f) {
  for (int64_t d = 0; d < s.out[0]; ++d) {
    for (int64_t h = 0; h < s.out[1]; h += rows) {
      for (int64_t w = 0; w < s.out[2]; w += columns) {
        f(ConvBlock{d, h, std::min(rows, s.out[1] - h), w, std::min(columns, s.out[2] - w)});
      }
    }
  }
}

// Whole rows of a narrow plane, computed as one.
bool fits_flat(const ConvShape &s, int64_t columns) {
  return columns == s.out[2] && columns < kNarrowRow;
}

}  // namespace

ConvDepthwise::ConvDepthwise(const ConvShape &shape) : shape_(shape) {
  const auto floats = [&](int64_t rows, int64_t columns) {
    const PhaseWindow window(shape, rows, columns);
    return window.floats() + rows * window.pitch() + kLanes;
  };
  fit_block(shape, kScratchFloats, block_rows_, block_columns_, floats);
  window_ = PhaseWindow(shape, block_rows_, block_columns_);
  flat_ = fits_flat(shape, block_columns_);
}

void ConvDepthwise::run(ThreadPool &pool, const float *x, const float *weights, const float *bias, bool relu,
                        float *y) const {
  const ConvShape &s = shape_;
  pool.parallel(s.n * s.groups, [&](int64_t plane, int lane) {
    float *copy = reinterpret_cast<float *>(pool.scratch(lane));
    float *flat = copy + window_.floats();
    const int64_t channel = plane % s.groups;
    DepthwiseRow row{};
    row.offsets = window_.offsets().data();
    row.weights = weights + channel * s.taps();
    row.taps = s.taps();
    row.bias = bias != nullptr ? bias[channel] : 0;
    row.relu = relu;
    each_block(s, block_rows_, block_columns_, [&](const ConvBlock &block) {
      window_.read(x + plane * s.in_plane(), block, copy);
      float *to = y + plane * s.out_plane() + (block.depth * s.out[1] + block.row) * s.out[2] + block.column;
      if (flat_) {
        row.x = copy;
        row.count = (block.rows - 1) * window_.pitch() + block.columns;
        row_(row, flat);
        for (int64_t r = 0; r < block.rows; ++r) {
          std::copy_n(flat + r * window_.pitch(), block.columns, to + r * s.out[2]);
        }
        return;
      }
      row.count = block.columns;
      for (int64_t r = 0; r < block.rows; ++r) {
        row.x = copy + r * window_.pitch();
        row_(row, to + r * s.out[2]);
      }
    });
  });
}

ConvDepthwiseGradWeight::ConvDepthwiseGradWeight(const ConvShape &shape) : shape_(shape) {
  const auto floats = [&](int64_t rows, int64_t columns) {
    const PhaseWindow window(shape, rows, columns);
    return window.floats() + rows * window.pitch() + kLanes;
  };
  // Double sums and the lanes of every tap lie in front.
  fit_block(shape, kScratchFloats - shape.taps() * (2 + kLanes), block_rows_, block_columns_, floats);
  window_ = PhaseWindow(shape, block_rows_, block_columns_);
  flat_ = fits_flat(shape, block_columns_);
}

void ConvDepthwiseGradWeight::run(ThreadPool &pool, const float *x, const float *dy, float *dw) const {
  pool.parallel(shape_.groups, [&](int64_t channel, int lane) {
    run_channel(channel, x, dy, dw + channel * shape_.taps(), reinterpret_cast<float *>(pool.scratch(lane)));
  });
}

// An image is summed up in float, images in double, in their order.
void ConvDepthwiseGradWeight::run_channel(int64_t channel, const float *x, const float *dy, float *dw,
                                          float *scratch) const {
  const ConvShape &s = shape_;
  const int64_t taps = s.taps();
  double *totals = reinterpret_cast<double *>(scratch);
  float *lanes = scratch + 2 * taps, *copy = lanes + taps * kLanes, *spread = copy + window_.floats();
  std::fill_n(totals, taps, 0.0);
  DepthwiseSums sums{};
  sums.x = copy;
  sums.offsets = window_.offsets().data();
  sums.x_row = window_.pitch();
  sums.taps = taps;
  for (int64_t n = 0; n < s.n; ++n) {
    const int64_t plane = n * s.groups + channel;
    std::fill_n(lanes, taps * kLanes, 0.0f);
    each_block(s, block_rows_, block_columns_, [&](const ConvBlock &block) {
      window_.read(x + plane * s.in_plane(), block, copy);
      const float *from = dy + plane * s.out_plane() + (block.depth * s.out[1] + block.row) * s.out[2] + block.column;
      sums.dy = from;
      sums.dy_row = s.out[2];
      sums.rows = block.rows;
      sums.count = block.columns;
      if (flat_) {
        const int64_t pitch = window_.pitch();
        copy_padded_(from, s.out[2], block.rows, pitch, 0, block.columns, spread, pitch);
        sums.dy = spread;
        sums.rows = 1;
        sums.count = (block.rows - 1) * pitch + block.columns;
      }
      sums_(sums, lanes);
    });
    for (int64_t t = 0; t < taps; ++t) {
      float *lane = lanes + t * kLanes;
      for (int64_t half = kLanes / 2; half > 0; half /= 2) {
        for (int64_t i = 0; i < half; ++i) lane[i] += lane[i + half];
      }
      totals[t] += lane[0];
    }
  }
  for (int64_t t = 0; t < taps; ++t) dw[t] = static_cast<float>(totals[t]);
}

}  // namespace dlc
