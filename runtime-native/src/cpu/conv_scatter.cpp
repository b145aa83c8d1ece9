// The input gradient, tap by tap.
#include "conv_scatter.h"

#include <algorithm>
#include <cstring>

namespace dlc {
namespace {

constexpr int64_t kMostPixels = 2048;
constexpr int64_t kFewPixels = 64;
constexpr int64_t kTasks = 16;
constexpr int64_t kWidest = 64;
static_assert(kMostPixels * kWidest * sizeof(float) <= ThreadPool::kLaneScratchBytes);

// Outputs o in [begin, end) whose tap `t` falls into inputs [first, last).
struct Range {
  int64_t begin, end;
};

Range touching(const ConvShape &s, size_t axis, int64_t t, int64_t first, int64_t last) {
  // input = o * stride + shift
  const int64_t shift = t * s.dilation[axis] - s.low[axis], stride = s.stride[axis];
  const int64_t begin = first <= shift ? 0 : ceil_div(first - shift, stride);
  const int64_t end = last <= shift ? 0 : ceil_div(last - shift, stride);
  return {std::min(begin, s.out[axis]), std::min(end, s.out[axis])};
}

}  // namespace

ConvScatter::ConvScatter(const ConvShape &shape) : shape_(shape), isa_(&tile_isa()) {
  panels_ = panels_of(*isa_, shape.cg);
  block_rows_ = shape.in[1];
  block_columns_ = shape.in[2];
  const auto shrink = [&] {
    int64_t &extent = block_rows_ > 1 ? block_rows_ : block_columns_;
    extent = (extent + 1) / 2;
  };
  while (block_rows_ * block_columns_ > kMostPixels) shrink();
  const auto tasks = [&] {
    return shape.n * shape.groups * static_cast<int64_t>(round_up(shape.cg, kWidest) / kWidest) * shape.in[0] *
           ceil_div(shape.in[1], block_rows_) * ceil_div(shape.in[2], block_columns_);
  };
  while (tasks() < kTasks && block_rows_ * block_columns_ >= 2 * kFewPixels) shrink();
}

void ConvScatter::pack(ThreadPool &pool, const float *w, float *packed) const {
  const int64_t taps = shape_.taps(), kg = shape_.kg, panels = static_cast<int64_t>(panels_.size());
  const int64_t chunk = std::max<int64_t>(1, 512 / taps), chunks = ceil_div(kg, chunk);
  const int64_t group_floats = round_up(shape_.cg, kPanelAlign) * taps * kg;
  pool.parallel(shape_.groups * panels * chunks, [&](int64_t task, int) {
    const int64_t first = task % chunks * chunk, last = std::min(kg, first + chunk);
    const Panel &panel = panels_[static_cast<size_t>(task / chunks % panels)];
    const int64_t group = task / chunks / panels;
    float *to = packed + group * group_floats + panel.first * taps * kg;
    for (int64_t k = first; k < last; ++k) {
      if (panel.columns < panel.width) {
        for (int64_t t = 0; t < taps; ++t) std::fill_n(to + (t * kg + k) * panel.width, panel.width, 0.0f);
      }
      const float *from = w + ((group * kg + k) * shape_.cg + panel.first) * taps;
      isa_->transpose(from, taps, panel.columns, taps, to + k * panel.width, kg * panel.width);
    }
  });
}

void ConvScatter::run(ThreadPool &pool, const float *dy, const float *packed, float *dx) const {
  const ConvShape &s = shape_;
  const int64_t row_blocks = ceil_div(s.in[1], block_rows_), column_blocks = ceil_div(s.in[2], block_columns_);
  const int64_t panels = static_cast<int64_t>(panels_.size());
  const int64_t group_floats = round_up(s.cg, kPanelAlign) * s.taps() * s.kg;
  pool.parallel(s.n * s.groups * s.in[0] * row_blocks * column_blocks * panels, [&](int64_t index, int lane) {
    const Panel &panel = panels_[static_cast<size_t>(index % panels)];
    int64_t rest = index / panels;
    const int64_t column = rest % column_blocks * block_columns_;
    rest /= column_blocks;
    const int64_t row = rest % row_blocks * block_rows_;
    rest /= row_blocks;
    const Block block = {rest % s.in[0], row, std::min(block_rows_, s.in[1] - row), column,
                         std::min(block_columns_, s.in[2] - column)};
    rest /= s.in[0];
    const int64_t group = rest % s.groups, image = rest / s.groups;
    float *result = reinterpret_cast<float *>(pool.scratch(lane));
    std::memset(result, 0, static_cast<size_t>(block.rows * block.columns * panel.width) * sizeof(float));
    run_block(block, panel, dy + (image * s.k + group * s.kg) * s.out_plane(),
              packed + group * group_floats + panel.first * s.taps() * s.kg, result);
    float *to = dx + (image * s.c + group * s.cg + panel.first) * s.in_plane() +
                (block.depth * s.in[1] + block.row) * s.in[2] + block.column;
    if (block.columns == s.in[2]) {
      isa_->transpose(result, panel.width, block.rows * block.columns, panel.columns, to, s.in_plane());
      return;
    }
    for (int64_t r = 0; r < block.rows; ++r) {
      isa_->transpose(result + r * block.columns * panel.width, panel.width, block.columns, panel.columns,
                      to + r * s.in[2], s.in_plane());
    }
  });
}

void ConvScatter::run_block(const Block &block, const Panel &panel, const float *dy, const float *weights,
                            float *result) const {
  const ConvShape &s = shape_;
  TileCall call;
  call.a_row = 1;
  call.a_step = s.out_plane();
  call.k = s.kg;
  call.ldb = panel.width;
  call.ldc = s.stride[2] * panel.width;
  call.columns = panel.width;
  call.accumulate = true;
  for (int64_t tap = 0; tap < s.taps(); ++tap) {
    const int64_t v = tap % s.kernel[2], u = tap / s.kernel[2] % s.kernel[1], q = tap / s.kernel[2] / s.kernel[1];
    const Range depths = touching(s, 0, q, block.depth, block.depth + 1);
    const Range rows = touching(s, 1, u, block.row, block.row + block.rows);
    const Range columns = touching(s, 2, v, block.column, block.column + block.columns);
    if (depths.begin >= depths.end || rows.begin >= rows.end || columns.begin >= columns.end) continue;
    const EvenSplit tiles(columns.end - columns.begin, isa_->max_rows(panel.width));
    call.b = weights + tap * s.kg * panel.width;
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      const int64_t h = r * s.stride[1] + u * s.dilation[1] - s.low[1] - block.row;
      for (int64_t t = 0; t < tiles.count; ++t) {
        const int64_t column = columns.begin + tiles.begin(t);
        const int64_t w = column * s.stride[2] + v * s.dilation[2] - s.low[2] - block.column;
        call.a = dy + (depths.begin * s.out[1] + r) * s.out[2] + column;
        call.c = result + (h * block.columns + w) * panel.width;
        run_tile(*isa_, panel.width, static_cast<int>(tiles.end(t) - tiles.begin(t)), call);
      }
    }
  }
}

}  // namespace dlc
