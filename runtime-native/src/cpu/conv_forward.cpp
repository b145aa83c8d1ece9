// The forward convolution, and by flipped weights its gradient where the stride is 1.
#include "conv_forward.h"

#include <algorithm>
#include <cstring>

namespace dlc {
namespace {

constexpr int64_t kScratchFloats = ThreadPool::kLaneScratchBytes / sizeof(float);
constexpr int64_t kResultFloats = kScratchFloats / 8;  // a block of 1,024 pixels
constexpr int64_t kCopyFloats = kScratchFloats - kResultFloats;
constexpr int64_t kWidest = 64;
// Products summed at a time.
constexpr int64_t kDepth = 256;
// Blocks are cut for their input to fit, but not below this for the sake of having all channels at once.
constexpr int64_t kFewPixels = 128;
constexpr int64_t kTasks = 16;
// Packed weights of a group that are larger than this (half an L2) serve several images of few pixels in one go.
constexpr int64_t kLargeWeights = int64_t{1} << 17;
constexpr int64_t kManyPixels = 512;

}  // namespace

struct ConvForward::Task {
  int64_t image, images, group, part;
  ConvBlock block;
};

int64_t ConvForward::packed_floats(const ConvShape &shape) {
  return shape.groups * round_up(shape.kg, kPanelAlign) * shape.depth();
}

ConvForward::ConvForward(const ConvShape &shape) : shape_(shape), isa_(&tile_isa()) {
  if (shape.n == 0) return;
  panels_ = panels_of(*isa_, shape.kg);
  choose_blocks();
  offsets_ = window_.tap_offsets(step_);
}

// By shapes alone; which instruction set runs does not matter either.
void ConvForward::choose_blocks() {
  const ConvShape &s = shape_;
  const EvenSplit steps(s.cg, std::max<int64_t>(1, kDepth / s.taps()));
  step_ = steps.end(0);
  block_rows_ = s.out[1];
  block_columns_ = s.out[2];
  copied_ = s.cg;

  const auto halve = [](int64_t value) { return (value + 1) / 2; };
  const auto pixels = [&] { return block_rows_ * block_columns_; };
  const auto copy = [&] { return ConvWindow(s, block_rows_, block_columns_).copy_floats() * copied_; };
  const auto shrink = [&] {
    if (block_rows_ > 1) {
      block_rows_ = halve(block_rows_);
    } else {
      block_columns_ = halve(block_columns_);
    }
  };
  while (pixels() * kWidest > kResultFloats) shrink();
  while (copy() > kCopyFloats && pixels() > kFewPixels) shrink();
  while (copy() > kCopyFloats && copied_ > step_) copied_ = round_up(halve(copied_), step_);
  while (copy() > kCopyFloats && copied_ > 1) copied_ = step_ = halve(copied_);
  while (copy() > kCopyFloats && pixels() > 1) shrink();
  if (copy() > kCopyFloats) throw Failure(DLC_UNSUPPORTED, "conv: the kernel's reach is too large");

  const auto tasks = [&] {
    return ceil_div(s.n, images_) * s.groups * s.out[0] * ceil_div(s.out[1], block_rows_) *
           ceil_div(s.out[2], block_columns_);
  };
  while (tasks() < kTasks && pixels() >= 2 * kFewPixels) shrink();
  if (s.kg * s.depth() > kLargeWeights) {
    while (2 * images_ * pixels() <= kManyPixels && copy() * 2 * images_ <= kCopyFloats &&
           ceil_div(s.n, 2 * images_) * s.groups >= kTasks) {
      images_ *= 2;
    }
  }
  panel_parts_ = std::min(static_cast<int64_t>(panels_.size()), ceil_div(kTasks, tasks()));
  row_blocks_ = ceil_div(s.out[1], block_rows_);
  column_blocks_ = ceil_div(s.out[2], block_columns_);
  window_ = ConvWindow(s, block_rows_, block_columns_);
}

void ConvForward::pack(ThreadPool &pool, const float *w, float *packed) const {
  if (shape_.n == 0) return;
  constexpr int64_t kChunk = 512;
  const int64_t depth = shape_.depth(), chunks = ceil_div(depth, kChunk), panels = static_cast<int64_t>(panels_.size());
  const int64_t group_floats = round_up(shape_.kg, kPanelAlign) * depth;
  pool.parallel(shape_.groups * panels * chunks, [&](int64_t task, int) {
    const int64_t first = task % chunks * kChunk, count = std::min(kChunk, depth - first);
    const Panel &panel = panels_[static_cast<size_t>(task / chunks % panels)];
    const int64_t group = task / chunks / panels;
    float *to = packed + group * group_floats + panel.first * depth + first * panel.width;
    if (panel.columns < panel.width) std::memset(to, 0, static_cast<size_t>(count * panel.width) * sizeof(float));
    isa_->transpose(w + (group * shape_.kg + panel.first) * depth + first, depth, panel.columns, count, to,
                    panel.width);
  });
}

void ConvForward::pack_flipped(ThreadPool &pool, const float *w, float *packed) const {
  if (shape_.n == 0) return;
  const int64_t taps = shape_.taps(), depth = shape_.depth(), panels = static_cast<int64_t>(panels_.size());
  const int64_t chunk = std::max<int64_t>(1, 512 / taps), chunks = ceil_div(shape_.cg, chunk);
  const int64_t group_floats = round_up(shape_.kg, kPanelAlign) * depth;
  pool.parallel(shape_.groups * panels * chunks, [&](int64_t task, int) {
    const int64_t first = task % chunks * chunk, last = std::min(shape_.cg, first + chunk);
    const Panel &panel = panels_[static_cast<size_t>(task / chunks % panels)];
    const int64_t group = task / chunks / panels;
    float *to = packed + group * group_floats + panel.first * depth;
    for (int64_t c = first; c < last; ++c) {
      float *rows = to + c * taps * panel.width;
      if (panel.columns < panel.width) std::memset(rows, 0, static_cast<size_t>(taps * panel.width) * sizeof(float));
      const float *from = w + ((group * shape_.cg + c) * shape_.kg + panel.first) * taps;
      isa_->transpose(from, taps, panel.columns, taps, rows + (taps - 1) * panel.width, -panel.width);
    }
  });
}

void ConvForward::pack_bias(const float *bias, float *packed) const {
  const int64_t padded = round_up(shape_.kg, kPanelAlign);
  for (int64_t g = 0; g < shape_.groups; ++g) {
    std::copy_n(bias + g * shape_.kg, shape_.kg, packed + g * padded);
    std::fill(packed + g * padded + shape_.kg, packed + (g + 1) * padded, 0.0f);
  }
}

void ConvForward::run(ThreadPool &pool, const float *x, const float *packed, const float *packed_bias, bool relu,
                      float *y) const {
  const ConvShape &s = shape_;
  if (s.n == 0) return;
  const int64_t batches = ceil_div(s.n, images_);
  const int64_t blocks = s.out[0] * row_blocks_ * column_blocks_;
  pool.parallel(batches * s.groups * blocks * panel_parts_, [&](int64_t index, int lane) {
    Task task;
    task.part = index % panel_parts_;
    int64_t rest = index / panel_parts_;
    const int64_t column = rest % column_blocks_ * block_columns_;
    rest /= column_blocks_;
    const int64_t row = rest % row_blocks_ * block_rows_;
    rest /= row_blocks_;
    task.block = {rest % s.out[0], row, std::min(block_rows_, s.out[1] - row), column,
                  std::min(block_columns_, s.out[2] - column)};
    rest /= s.out[0];
    task.group = rest % s.groups;
    task.image = rest / s.groups * images_;
    task.images = std::min(images_, s.n - task.image);
    run_task(task, x, packed, packed_bias, relu, y, reinterpret_cast<float *>(pool.scratch(lane)));
  });
}

void ConvForward::run_task(const Task &task, const float *x, const float *packed, const float *packed_bias, bool relu,
                           float *y, float *scratch) const {
  const ConvShape &s = shape_;
  const ConvBlock &block = task.block;
  float *results = scratch;
  float *copies = scratch + kResultFloats;
  const int64_t pixels = block.rows * block.columns;
  const int64_t depth = s.depth(), taps = s.taps();
  const float *weights = packed + task.group * round_up(s.kg, kPanelAlign) * depth;
  const int64_t copy_image = window_.copy_floats() * copied_;
  const int64_t in_image = s.c * s.in_plane(), out_image = s.k * s.out_plane();
  const EvenSplit parts(static_cast<int64_t>(panels_.size()),
                        ceil_div(static_cast<int64_t>(panels_.size()), panel_parts_));
  if (task.part >= parts.count) return;

  int64_t copied = -1;  // first channel of what `copies` holds
  for (int64_t p = parts.begin(task.part); p < parts.end(task.part); ++p) {
    const Panel &panel = panels_[static_cast<size_t>(p)];
    for (int64_t c = 0; c < s.cg; c += step_) {
      const int64_t channels = std::min(step_, s.cg - c);
      const int64_t source = c / copied_ * copied_;
      const bool last = c + channels == s.cg;
      const float *bias = last && packed_bias != nullptr
                              ? packed_bias + task.group * round_up(s.kg, kPanelAlign) + panel.first
                              : nullptr;
      for (int64_t i = 0; i < task.images; ++i) {
        const float *image = x + (task.image + i) * in_image + (task.group * s.cg + source) * s.in_plane();
        const float *pixel = copies + i * copy_image;
        if (window_.direct() || source != copied) {
          pixel = window_.read(image, std::min(copied_, s.cg - source), block, copies + i * copy_image);
        }
        run_rows(block, pixel + (c - source) * window_.channel(),
                 weights + panel.first * depth + c * taps * panel.width, panel, channels * taps, bias, c > 0,
                 last && relu, results + i * pixels * panel.width);
      }
      copied = source;
    }
    for (int64_t i = 0; i < task.images; ++i) {
      const float *from = results + i * pixels * panel.width;
      float *to = y + (task.image + i) * out_image + (task.group * s.kg + panel.first) * s.out_plane() +
                  (block.depth * s.out[1] + block.row) * s.out[2] + block.column;
      if (block.columns == s.out[2]) {
        isa_->transpose(from, panel.width, pixels, panel.columns, to, s.out_plane());
        continue;
      }
      for (int64_t r = 0; r < block.rows; ++r) {
        isa_->transpose(from + r * block.columns * panel.width, panel.width, block.columns, panel.columns,
                        to + r * s.out[2], s.out_plane());
      }
    }
  }
}

void ConvForward::run_rows(const ConvBlock &block, const float *pixel, const float *weights, const Panel &panel,
                           int64_t depth, const float *bias, bool accumulate, bool relu, float *result) const {
  const EvenSplit tiles(block.columns, isa_->max_rows(panel.width));
  TileCall call;
  call.a_row = window_.pixel_column();
  call.offsets = offsets_.data();
  call.k = depth;
  call.b = weights;
  call.ldb = panel.width;
  call.ldc = panel.width;
  call.columns = panel.width;
  call.bias = bias;
  call.accumulate = accumulate;
  call.relu = relu;
  for (int64_t r = 0; r < block.rows; ++r) {
    for (int64_t t = 0; t < tiles.count; ++t) {
      const int64_t first = tiles.begin(t);
      call.a = pixel + r * window_.pixel_row() + first * window_.pixel_column();
      call.c = result + (r * block.columns + first) * panel.width;
      run_tile(*isa_, panel.width, static_cast<int>(tiles.end(t) - first), call);
    }
  }
}

}  // namespace dlc
