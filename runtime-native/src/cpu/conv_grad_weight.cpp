// conv_grad_weight(x, dy): the tile's rows are channels of x at one kernel tap, its columns output channels, the sum
// runs over pixels: dy is transposed to [pixels][channels], x is read in place. The batch is cut into fixed slices
// whose partial results [channel, tap][output channel] are added in order, so the bits do not depend on the threads.
#include <algorithm>
#include <cstring>
#include <optional>

#include "../kernel.h"
#include "conv_depthwise.h"
#include "conv_last_kernels.h"
#include "conv_panels.h"
#include "conv_planes_grad_weight.h"
#include "conv_shape.h"
#include "conv_window.h"
#include "image_layout.h"

namespace dlc {
namespace {

constexpr int64_t kScratchFloats = ThreadPool::kLaneScratchBytes / sizeof(float);
constexpr int64_t kWidest = 64;
constexpr int64_t kMostPixels = 512;
constexpr int64_t kGradientFloats = kMostPixels * kWidest;
constexpr int64_t kCopyFloats = kScratchFloats - kGradientFloats;
// Rows of partial results that one task adds to: they and a panel's width stay in L2.
constexpr int64_t kTaskRows = 576;
constexpr int64_t kTasks = 16;
// compiler/ops/conv_grad_weight.ts reserves the workspace by the same rule.
constexpr int64_t kMostSlices = 8;
constexpr int64_t kPartialFloats = int64_t{1} << 21;

class ConvGradWeight final : public Kernel {
 public:
  explicit ConvGradWeight(const KernelArgs &args) : pool_(args.pool), isa_(tile_isa()) {
    require(args.inputs.size() == 2 && args.outputs.size() == 1, "conv_grad_weight takes two inputs, gives one output");
    const Tensor &x = args.inputs[0], &dy = args.inputs[1], &dw = args.outputs[0];
    for (const Tensor *t : {&x, &dy, &dw}) require(t->dtype == DLC_F32, "conv_grad_weight is for f32");
    require(args.attrs.integers("weight_shape") == dw.shape, "conv_grad_weight: wrong output shape");
    shape_ = conv_shape(x.shape, dw.shape, dy.shape, args.attrs);
    slice_floats_ = shape_.groups * round_up(shape_.kg, kPanelAlign) * shape_.depth();
    const int64_t slices =
        std::clamp<int64_t>(kPartialFloats / slice_floats_, 1, std::clamp<int64_t>(shape_.n, 1, kMostSlices));
    slices_ = EvenSplit(shape_.n, ceil_div(std::max<int64_t>(shape_.n, 1), slices));
    require(args.workspace.size() >= static_cast<size_t>(slices * slice_floats_) * sizeof(float),
            "conv_grad_weight: the plan reserves too little workspace");
    x_ = x.as<float>();
    dy_ = dy.as<float>();
    dw_ = dw.as<float>();
    partial_ = reinterpret_cast<float *>(args.workspace.data());
    if (is_depthwise(shape_)) {
      depthwise_.emplace(shape_);
    } else if (shape_.n > 0 && ConvPlanesGradWeight::fits(shape_)) {
      planes_.emplace(shape_, slices_);
    } else if (shape_.n > 0) {
      choose_blocks();
    }
  }

  dlc_status run(RunContext &) override {
    if (depthwise_) {
      depthwise_->run(pool_, x_, dy_, dw_);
      return DLC_OK;
    }
    if (planes_) {
      planes_->run(pool_, x_, dy_, partial_, dw_);
      return DLC_OK;
    }
    if (shape_.n == 0) {
      std::fill_n(dw_, shape_.k * shape_.depth(), 0.0f);
      return DLC_OK;
    }
    const int64_t panels = static_cast<int64_t>(panels_.size());
    const int64_t steps = ceil_div(shape_.cg, step_);
    pool_.parallel(slices_.count * shape_.groups * panels * steps, [&](int64_t task, int lane) {
      const int64_t first = task % steps * step_;
      const Panel &panel = panels_[static_cast<size_t>(task / steps % panels)];
      const int64_t group = task / steps / panels % shape_.groups, slice = task / steps / panels / shape_.groups;
      sum_slice(slice, group, panel, first, std::min(step_, shape_.cg - first),
                reinterpret_cast<float *>(pool_.scratch(lane)));
    });
    constexpr int64_t kChunk = 128;
    const int64_t chunks = ceil_div(shape_.depth(), kChunk);
    pool_.parallel(shape_.groups * panels * chunks, [&](int64_t task, int) {
      const int64_t first = task % chunks * kChunk;
      const Panel &panel = panels_[static_cast<size_t>(task / chunks % panels)];
      add_slices(task / chunks / panels, panel, first, std::min(kChunk, shape_.depth() - first));
    });
    return DLC_OK;
  }

 private:
  void choose_blocks() {
    const ConvShape &s = shape_;
    panels_ = panels_of(isa_, s.kg);
    step_ = EvenSplit(s.cg, std::max<int64_t>(1, kTaskRows / s.taps())).end(0);
    block_rows_ = s.out[1];
    block_columns_ = s.out[2];
    const auto shrink = [&] {
      int64_t &extent = block_rows_ > 1 ? block_rows_ : block_columns_;
      extent = (extent + 1) / 2;
    };
    const auto pixels = [&] { return block_rows_ * block_columns_; };
    const auto copy = [&] { return ConvWindow(s, block_rows_, block_columns_).copy_floats() * step_; };
    const auto tasks = [&] { return slices_.count * s.groups * ceil_div(s.kg, kWidest) * ceil_div(s.cg, step_); };
    while (pixels() > kMostPixels) shrink();
    while (tasks() < kTasks && step_ >= 24) step_ = (step_ + 1) / 2;
    while (copy() > kCopyFloats && step_ > 12) step_ = (step_ + 1) / 2;
    while (copy() > kCopyFloats && pixels() > 64) shrink();
    while (copy() > kCopyFloats && step_ > 1) step_ = (step_ + 1) / 2;
    while (copy() > kCopyFloats && pixels() > 1) shrink();
    if (copy() > kCopyFloats) throw Failure(DLC_UNSUPPORTED, "conv: the kernel's reach is too large");
    window_ = ConvWindow(s, block_rows_, block_columns_);
    offsets_ = pixel_offsets(block_columns_);
    edge_offsets_ = pixel_offsets((s.out[2] - 1) % block_columns_ + 1);
    by_channel_ = s.cg >= s.kernel[2];
  }

  std::vector<int32_t> pixel_offsets(int64_t columns) const {
    const int64_t reach = (block_rows_ - 1) * window_.pixel_row() + (columns - 1) * window_.pixel_column();
    require(reach < (int64_t{1} << 31), "conv: an image is too large");
    std::vector<int32_t> offsets;
    for (int64_t r = 0; r < block_rows_; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        offsets.push_back(static_cast<int32_t>(r * window_.pixel_row() + c * window_.pixel_column()));
      }
    }
    return offsets;
  }

  float *partial(int64_t slice, int64_t group, const Panel &panel) const {
    return partial_ + slice * slice_floats_ + (group * round_up(shape_.kg, kPanelAlign) + panel.first) * shape_.depth();
  }

  void sum_slice(int64_t slice, int64_t group, const Panel &panel, int64_t channel, int64_t channels,
                 float *scratch) const {
    const ConvShape &s = shape_;
    float *gradient = scratch;
    float *copy = scratch + kGradientFloats;
    if (panel.columns < panel.width) std::memset(gradient, 0, kGradientFloats * sizeof(float));
    float *result = partial(slice, group, panel) + channel * s.taps() * panel.width;
    bool accumulate = false;
    for (int64_t n = slices_.begin(slice); n < slices_.end(slice); ++n) {
      const float *image = x_ + (n * s.c + group * s.cg + channel) * s.in_plane();
      const float *dy = dy_ + (n * s.k + group * s.kg + panel.first) * s.out_plane();
      for (int64_t depth = 0; depth < s.out[0]; ++depth) {
        for (int64_t row = 0; row < s.out[1]; row += block_rows_) {
          for (int64_t column = 0; column < s.out[2]; column += block_columns_) {
            const ConvBlock block = {depth, row, std::min(block_rows_, s.out[1] - row), column,
                                     std::min(block_columns_, s.out[2] - column)};
            transpose_gradient(dy, block, panel, gradient);
            add_block(window_.read(image, channels, block, copy), channels, block, panel, gradient, accumulate, result);
            accumulate = true;
          }
        }
      }
    }
  }

  void transpose_gradient(const float *dy, const ConvBlock &block, const Panel &panel, float *gradient) const {
    const ConvShape &s = shape_;
    const float *from = dy + (block.depth * s.out[1] + block.row) * s.out[2] + block.column;
    if (block.columns == s.out[2]) {
      isa_.transpose(from, s.out_plane(), panel.columns, block.rows * block.columns, gradient, panel.width);
      return;
    }
    for (int64_t r = 0; r < block.rows; ++r) {
      isa_.transpose(from + r * s.out[2], s.out_plane(), panel.columns, block.columns,
                     gradient + r * block.columns * panel.width, panel.width);
    }
  }

  void add_block(const float *pixel, int64_t channels, const ConvBlock &block, const Panel &panel,
                 const float *gradient, bool accumulate, float *result) const {
    const ConvShape &s = shape_;
    const int64_t taps = s.taps();
    TileCall call;
    call.offsets = block.columns == block_columns_ ? offsets_.data() : edge_offsets_.data();
    call.k = block.rows * block.columns;
    call.b = gradient;
    call.ldb = panel.width;
    call.columns = panel.width;
    call.accumulate = accumulate;
    // Rows of a tile: channels at one tap, or where there are fewer of them, taps of one kernel row.
    const int64_t rows = by_channel_ ? channels : s.kernel[2];
    const int64_t others = by_channel_ ? taps : channels * (taps / s.kernel[2]);
    call.a_row = by_channel_ ? window_.channel() : s.dilation[2];
    call.ldc = (by_channel_ ? taps : 1) * panel.width;
    const EvenSplit tiles(rows, isa_.max_rows(panel.width));
    for (int64_t other = 0; other < others; ++other) {
      const int64_t flat = other * s.kernel[2];  // (channel, tap) of a kernel row's first tap
      const float *a = by_channel_ ? pixel + window_.tap_offset(other)
                                   : pixel + flat / taps * window_.channel() + window_.tap_offset(flat % taps);
      float *c = result + (by_channel_ ? other : flat) * panel.width;
      for (int64_t t = 0; t < tiles.count; ++t) {
        call.a = a + tiles.begin(t) * call.a_row;
        call.c = c + tiles.begin(t) * call.ldc;
        run_tile(isa_, panel.width, static_cast<int>(tiles.end(t) - tiles.begin(t)), call);
      }
    }
  }

  void add_slices(int64_t group, const Panel &panel, int64_t first, int64_t rows) const {
    float *sum = partial(0, group, panel) + first * panel.width;
    for (int64_t slice = 1; slice < slices_.count; ++slice) {
      const float *part = partial(slice, group, panel) + first * panel.width;
      for (int64_t i = 0; i < rows * panel.width; ++i) sum[i] += part[i];
    }
    isa_.transpose(sum, panel.width, rows, panel.columns,
                   dw_ + (group * shape_.kg + panel.first) * shape_.depth() + first, shape_.depth());
  }

  ThreadPool &pool_;
  const TileIsa &isa_;
  ConvShape shape_;
  std::optional<ConvDepthwiseGradWeight> depthwise_;
  std::optional<ConvPlanesGradWeight> planes_;
  std::vector<Panel> panels_;
  ConvWindow window_;
  EvenSplit slices_{1, 1};
  std::vector<int32_t> offsets_, edge_offsets_;  // of the pixels of a block, and of one in the last columns
  int64_t step_ = 1;                             // channels of a task
  int64_t block_rows_ = 1, block_columns_ = 1;
  int64_t slice_floats_ = 0;
  bool by_channel_ = true;
  const float *x_ = nullptr, *dy_ = nullptr;
  float *dw_ = nullptr, *partial_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_conv_grad_weight(const KernelArgs &args) {
  if (channels_last(args.attrs)) return make_conv_grad_weight_last(args);
  return std::make_unique<ConvGradWeight>(args);
}

}  // namespace dlc
