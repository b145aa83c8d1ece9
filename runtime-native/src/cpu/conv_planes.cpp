// The forward convolution by planes, and by flipped weights its input gradient where the stride is 1.
#include "conv_planes.h"

#include <algorithm>

namespace dlc {
namespace {

// What a task copies, with a panel's weights, should stay in a second-level cache.
constexpr int64_t kCopyFloats = int64_t{1} << 17;
constexpr int64_t kScratchFloats = ThreadPool::kLaneScratchBytes / sizeof(float);
// Weights of a group that are larger than this are read once for several images.
constexpr int64_t kLargeWeights = int64_t{1} << 15;
constexpr int64_t kTasks = 16;
constexpr int64_t kFewPixels = 128;
constexpr int64_t kLeastPanels = 2;

// The vectors of a block of outputs: each row by itself, or all rows as one run over the padded ones, whatever takes
// fewer. Rows are contiguous in y, or there is one.
std::vector<PlaneVector> vectors_of(int64_t rows, int64_t columns, int64_t pitch) {
  const int64_t run = (rows - 1) * pitch + columns;
  const int64_t in_rows = rows * ceil_div(columns, kPlaneLanes);
  const bool flat = ceil_div(run, kPlaneLanes) < in_rows;
  std::vector<PlaneVector> vectors;
  const auto add = [&](int64_t first, int64_t last) {
    for (int64_t x = first; x < last; x += kPlaneLanes) {
      PlaneVector vector;
      vector.x = static_cast<int32_t>(x);
      bool any = false;
      for (int64_t lane = 0; lane < kPlaneLanes && x + lane < last; ++lane) {
        const int64_t row = (x + lane) / pitch, column = (x + lane) % pitch;
        if (column >= columns) continue;
        if (!any) vector.y = static_cast<int32_t>(row * columns + column);
        any = true;
        vector.mask = static_cast<uint16_t>(vector.mask | 1u << lane);
      }
      if (any) vectors.push_back(vector);
    }
  };
  if (flat) {
    add(0, run);
  } else {
    for (int64_t r = 0; r < rows; ++r) add(r * pitch, r * pitch + columns);
  }
  return vectors;
}

}  // namespace

struct ConvPlanes::Task {
  int64_t image, images, group, part;
  ConvBlock block;
};

bool ConvPlanes::fits(const ConvShape &shape) {
  const int64_t reach = (shape.kernel[2] - 1) * shape.dilation[2] / shape.stride[2];
  const int64_t columns = shape.out[2], rows = shape.out[1];
  const int64_t in_rows = rows * ceil_div(columns, kPlaneLanes);
  const int64_t flat = ceil_div((rows - 1) * (columns + reach) + columns, kPlaneLanes);
  const double lanes = static_cast<double>(rows * columns) / static_cast<double>(kPlaneLanes * std::min(in_rows, flat));
  const double transposed = shape.kg < 32 || shape.taps() == 1 ? 0.5 : shape.kg < 64 ? 0.7 : 0.85;
  if (shape.kg < 4) return false;
  // Cutting by residue costs more than copying; it pays where an element is used often.
  const int64_t residues = shape.stride[1] * shape.stride[2];
  if (residues > 1 && shape.taps() > 1 && shape.kg * shape.taps() < 128 * residues) return false;
  // The smallest block that can be copied has one row of one vector.
  const PhaseWindow window(shape, 1, std::min(columns, kPlaneLanes));
  return lanes > transposed && window.floats() * shape.cg <= kScratchFloats;
}

ConvPlanes::ConvPlanes(const ConvShape &shape)
    : shape_(shape), isa_(&DLC_DISPATCH(planes)()), tiles_(&tile_isa()), panels_(shape.kg, isa_->most_rows) {
  if (shape.n == 0) return;
  choose_blocks();
  const int64_t taps = shape.taps(), channel = channel_floats();
  require(shape.cg * channel < (int64_t{1} << 31), "conv: an image is too large");
  for (int64_t c = 0; c < shape.cg; ++c) {
    for (int64_t t = 0; t < taps; ++t) {
      offsets_.push_back(static_cast<int32_t>(c * channel + window_.offsets()[static_cast<size_t>(t)]));
    }
  }
}

// By shapes alone; which instruction set runs does not matter.
void ConvPlanes::choose_blocks() {
  const ConvShape &s = shape_;
  block_rows_ = s.out[1];
  block_columns_ = s.out[2];
  const auto copy = [&] { return PhaseWindow(s, block_rows_, block_columns_).floats() * s.cg; };
  const auto pixels = [&] { return block_rows_ * block_columns_; };
  const auto shrink = [&] {
    if (block_rows_ > 1) {
      block_rows_ = (block_rows_ + 1) / 2;
    } else {
      block_columns_ = round_up((block_columns_ + 1) / 2, kPlaneLanes);
    }
  };
  while (copy() > kCopyFloats && pixels() > kFewPixels) shrink();
  while (copy() > kScratchFloats && pixels() > kPlaneLanes) shrink();
  const auto tasks = [&] {
    return ceil_div(s.n, images_) * s.groups * s.out[0] * ceil_div(s.out[1], block_rows_) *
           ceil_div(s.out[2], block_columns_);
  };
  while (tasks() < kTasks && pixels() >= 2 * kFewPixels) shrink();
  if (s.kg * s.depth() > kLargeWeights) {
    while (copy() * 2 * images_ <= kCopyFloats && ceil_div(s.n, 2 * images_) * s.groups >= kTasks) images_ *= 2;
  }
  // A single image of few pixels: its channels are divided, and each part copies for itself.
  panel_parts_ = std::clamp<int64_t>(panels_.count / kLeastPanels, 1, ceil_div(kTasks, tasks()));
  row_blocks_ = ceil_div(s.out[1], block_rows_);
  column_blocks_ = ceil_div(s.out[2], block_columns_);
  window_ = PhaseWindow(s, block_rows_, block_columns_);
  vectors_ = vectors_of(block_rows_, block_columns_, window_.pitch());
  edge_ = column_blocks_ > 1 ? vectors_of(1, s.out[2] - (column_blocks_ - 1) * block_columns_, window_.pitch())
                             : vectors_of(s.out[1] - (row_blocks_ - 1) * block_rows_, block_columns_, window_.pitch());
}

void ConvPlanes::pack(ThreadPool &pool, const float *w, float *packed) const {
  const int64_t depth = shape_.depth();
  pool.parallel(shape_.n == 0 ? 0 : shape_.groups * panels_.count, [&](int64_t task, int) {
    const int64_t first = task / panels_.count * shape_.kg + panels_.begin(task % panels_.count);
    const int64_t rows = panels_.end(task % panels_.count) - panels_.begin(task % panels_.count);
    tiles_->transpose(w + first * depth, depth, rows, depth, packed + first * depth, rows);
  });
}

void ConvPlanes::pack_flipped(ThreadPool &pool, const float *w, float *packed) const {
  const int64_t taps = shape_.taps(), depth = shape_.depth();
  pool.parallel(shape_.n == 0 ? 0 : shape_.groups * panels_.count, [&](int64_t task, int) {
    const int64_t group = task / panels_.count, first = panels_.begin(task % panels_.count);
    const int64_t rows = panels_.end(task % panels_.count) - first;
    float *to = packed + (group * shape_.kg + first) * depth;
    for (int64_t c = 0; c < shape_.cg; ++c, to += taps * rows) {
      const float *from = w + ((group * shape_.cg + c) * shape_.kg + first) * taps;
      tiles_->transpose(from, taps, rows, taps, to + (taps - 1) * rows, -rows);
    }
  });
}

void ConvPlanes::run(ThreadPool &pool, const float *x, const float *packed, const float *bias, bool relu,
                     float *y) const {
  const ConvShape &s = shape_;
  if (s.n == 0) return;
  const int64_t batches = ceil_div(s.n, images_), blocks = s.out[0] * row_blocks_ * column_blocks_;
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
    run_task(task, x, packed, bias, relu, y, reinterpret_cast<float *>(pool.scratch(lane)));
  });
}

void ConvPlanes::run_task(const Task &task, const float *x, const float *packed, const float *bias, bool relu, float *y,
                          float *scratch) const {
  const ConvShape &s = shape_;
  const ConvBlock &block = task.block;
  const EvenSplit parts(panels_.count, ceil_div(panels_.count, panel_parts_));
  if (task.part >= parts.count) return;
  const int64_t image_floats = channel_floats() * s.cg;
  for (int64_t i = 0; i < task.images; ++i) {
    const float *from = x + ((task.image + i) * s.c + task.group * s.cg) * s.in_plane();
    for (int64_t c = 0; c < s.cg; ++c) {
      // The slack behind a channel is the beginning of the next, which is copied later.
      window_.read(from + c * s.in_plane(), block, scratch + i * image_floats + c * channel_floats());
    }
  }
  const bool whole = block.rows == block_rows_ && block.columns == block_columns_;
  const std::vector<PlaneVector> &vectors = whole ? vectors_ : edge_;
  const int64_t count = static_cast<int64_t>(vectors.size());
  PlaneCall call;
  call.offsets = offsets_.data();
  call.k = s.depth();
  call.y_row = s.out_plane();
  call.relu = relu;
  for (int64_t p = parts.begin(task.part); p < parts.end(task.part); ++p) {
    const int64_t first = task.group * s.kg + panels_.begin(p);
    const int rows = static_cast<int>(panels_.end(p) - panels_.begin(p));
    call.weights = packed + first * s.depth();
    call.bias = bias == nullptr ? nullptr : bias + first;
    for (int64_t i = 0; i < task.images; ++i) {
      call.x = scratch + i * image_floats;
      call.y = y + ((task.image + i) * s.k + first) * s.out_plane() + (block.depth * s.out[1] + block.row) * s.out[2] +
               block.column;
      for (int64_t v = 0; v < count;) {
        const int wide = static_cast<int>(std::min<int64_t>(isa_->most_vectors, count - v));
        call.vectors = vectors.data() + v;
        isa_->tile(rows, wide)(call);
        v += wide;
      }
    }
  }
}

}  // namespace dlc
