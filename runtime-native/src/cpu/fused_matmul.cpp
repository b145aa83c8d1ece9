// fused_matmul(a, b, e...) -> y...: a fused program for every element of the product of a, transposed, and b, such as
// the gradient of a layer's weights and what the optimizer makes of it. The product exists strip by strip, in the
// first-level cache, where it would be written to memory and read again. Its sums are short enough to have the bits
// that matmul gives them.
#include <algorithm>
#include <optional>

#include "../kernel.h"
#include "fused_runner.h"
#include "gemm_blocks.h"

namespace dlc {
namespace {

// Columns of a strip at most: its rows are then one run of the program each.
constexpr int64_t kColumns = FusedRunner::kBlock;
// Elements of the product that a task is for, about.
constexpr int64_t kTaskElements = 16384;
// For the columns that fill no tile.
constexpr int64_t kPanelFloats = kUncutDepth * kPanelAlign;

class FusedMatmul final : public Kernel {
 public:
  explicit FusedMatmul(const KernelArgs &args) : pool_(args.pool), isa_(tile_isa()) {
    require(args.inputs.size() >= 2 && !args.outputs.empty(), "fused_matmul takes two matrices, gives a result");
    const Tensor &a = args.inputs[0], &b = args.inputs[1];
    require(a.dtype == DLC_F32 && b.dtype == DLC_F32, "fused_matmul is for f32");
    require(a.rank() == 2 && b.rank() == 2 && a.shape[0] == b.shape[0], "fused_matmul: inner extents differ");
    k_ = a.shape[0];
    require(k_ <= kUncutDepth, "fused_matmul is for short sums");
    m_ = a.shape[1];
    n_ = b.shape[1];
    a_ = a.as<float>();
    b_ = b.as<float>();
    std::vector<Tensor> inputs(1);  // the product, which is made here
    inputs.insert(inputs.end(), args.inputs.begin() + 2, args.inputs.end());
    program_.emplace(args.attrs.string("program"), inputs, args.outputs, std::vector<int64_t>{m_, n_});
    if (m_ == 0 || n_ == 0) return;
    column_blocks_ = ceil_div(n_, kColumns);
    width_ = column_blocks_ == 1 ? n_ : round_up(ceil_div(n_, column_blocks_), GemmBlocks::kLeastColumns);
    strip_ = isa_.max_rows(tile_width(isa_, width_));
    rows_ = std::max<int64_t>(1, kTaskElements / (strip_ * width_)) * strip_;
    require(static_cast<size_t>(strip_ * width_ + kPanelFloats + FusedRunner::kBlock + program_->scratch_floats()) *
                    sizeof(float) <=
                ThreadPool::kLaneScratchBytes,
            "fused_matmul: the program is too large");
  }

  dlc_status run(RunContext &) override {
    if (column_blocks_ == 0) return DLC_OK;
    pool_.parallel(ceil_div(m_, rows_) * column_blocks_, [&](int64_t task, int lane) {
      auto *const scratch = reinterpret_cast<float *>(pool_.scratch(lane));
      const int64_t first = task / column_blocks_ * rows_, column = task % column_blocks_ * width_;
      for (int64_t row = first; row < std::min(m_, first + rows_); row += strip_) {
        run_strip(row, std::min(strip_, m_ - row), column, std::min(width_, n_ - column), scratch);
      }
    });
    return DLC_OK;
  }

 private:
  void run_strip(int64_t row, int64_t rows, int64_t column, int64_t columns, float *scratch) const {
    float *const product = scratch, *const panel = product + strip_ * width_;
    // A first result that nobody wants is made all the same.
    float *const made = panel + kPanelFloats, *const rest = made + FusedRunner::kBlock;
    multiply(row, rows, column, columns, product, panel);
    const int64_t begin = row * n_ + column;
    if (columns == n_) {
      // Rows lie behind each other.
      for (int64_t i = 0; i < rows * n_; i += FusedRunner::kBlock) {
        program_->run(begin + i, std::min(FusedRunner::kBlock, rows * n_ - i), product + i, made, rest);
      }
      return;
    }
    for (int64_t i = 0; i < rows; ++i) program_->run(begin + i * n_, columns, product + i * columns, made, rest);
  }

  // The strip, [rows, columns].
  void multiply(int64_t row, int64_t rows, int64_t column, int64_t columns, float *product, float *panel) const {
    TileCall tile;
    tile.k = k_;
    tile.a = a_ + row;
    tile.a_row = 1;
    tile.a_step = m_;
    tile.ldc = columns;
    for (int64_t done = 0; done < columns; done += tile.columns) {
      const float *const b = b_ + column + done;
      const int width = tile_width(isa_, columns - done);
      tile.columns = static_cast<int>(std::min<int64_t>(width, columns - done));
      tile.b = b;
      tile.ldb = n_;
      if (tile.columns < width) {
        isa_.copy_rows(b, n_, tile.k, tile.columns, width, panel);
        tile.b = panel;
        tile.ldb = width;
      }
      tile.c = product + done;
      // A narrower tile holds at least as many rows.
      run_tile(isa_, width, static_cast<int>(rows), tile);
    }
  }

  ThreadPool &pool_;
  const TileIsa &isa_;
  std::optional<FusedRunner> program_;
  int64_t m_ = 0, n_ = 0, k_ = 0;
  int64_t width_ = 0, column_blocks_ = 0;  // columns of a strip, and strips side by side
  int64_t strip_ = 1, rows_ = 1;           // rows of a strip, and of a task
  const float *a_ = nullptr, *b_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_fused_matmul(const KernelArgs &args) {
  return std::make_unique<FusedMatmul>(args);
}

}  // namespace dlc
