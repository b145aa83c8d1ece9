// Blocks around the register tile: a block of C at a time, in steps of kDepth along k; one packed panel of B stays in
// L1 while the packed rows of A stream past it from L2.
#include "gemm.h"

#include <algorithm>
#include <cstring>

#include "../thread_pool.h"

namespace dlc {
namespace {

constexpr int64_t kDepth = 256;
constexpr int64_t kMostRows = 192;
constexpr int64_t kMostColumns = 256;
constexpr int64_t kLeastBlock = 64;
constexpr int64_t kWidest = 64;
// Blocks get smaller, for more lanes to share, down to about this much work (some 30 microseconds).
constexpr int64_t kTaskMultiplies = int64_t{4} << 20;
constexpr int64_t kTasks = 64;
// Fewer rows than this: dot products straight from transposed B beat packing it.
constexpr int64_t kDotRows = 6;
// Fewer rows than this: B is read where it is.
constexpr int64_t kPackRows = 48;

static_assert((kMostRows * kDepth + kDepth * kWidest) * sizeof(float) <= ThreadPool::kLaneScratchBytes);

}  // namespace

Gemm::Gemm(int64_t m, int64_t n, int64_t k, bool transpose_a, bool transpose_b, int64_t lda, int64_t ldb)
    : isa_(&tile_isa()),
      m_(m),
      n_(n),
      k_(k),
      lda_(lda),
      ldb_(ldb),
      transpose_a_(transpose_a),
      transpose_b_(transpose_b) {
  if (m == 0 || n == 0) return;
  dots_ = transpose_b && !transpose_a && m <= kDotRows;
  row_block_ = ceil_div(m, ceil_div(m, kMostRows));
  column_block_ = std::min(kMostColumns, round_up(n, kLeastBlock));
  const auto blocks = [&] { return ceil_div(m, row_block_) * ceil_div(n, column_block_); };
  while (blocks() < kTasks && row_block_ * column_block_ * std::max<int64_t>(k, 1) > kTaskMultiplies) {
    const bool cut_columns = column_block_ > kLeastBlock && column_block_ >= row_block_;
    if (cut_columns) {
      column_block_ = round_up(column_block_ / 2, kLeastBlock);
    } else if (row_block_ > kLeastBlock) {
      row_block_ = ceil_div(row_block_, 2);
    } else {
      break;
    }
  }
  row_blocks_ = ceil_div(m, row_block_);
  column_blocks_ = ceil_div(n, column_block_);
}

void Gemm::run(int64_t task, const GemmCall &call, std::byte *scratch) const {
  const int64_t row0 = task / column_blocks_ * row_block_;
  const int64_t column0 = task % column_blocks_ * column_block_;
  const int64_t rows = std::min(row_block_, m_ - row0);
  const int64_t columns = std::min(column_block_, n_ - column0);
  if (dots_) {
    run_dots(row0, rows, column0, columns, call);
  } else {
    run_tiles(row0, rows, column0, columns, call, reinterpret_cast<float *>(scratch));
  }
}

void Gemm::run_dots(int64_t row0, int64_t rows, int64_t column0, int64_t columns, const GemmCall &call) const {
  const int64_t k = call.depth >= 0 ? call.depth : k_;
  float sums[16];
  for (int64_t j = 0; j < columns; j += 4) {
    const int wide = static_cast<int>(std::min<int64_t>(4, columns - j));
    const float *b = call.b + (column0 + j) * ldb_;
    for (int64_t i = 0; i < rows; i += 4) {
      const int high = static_cast<int>(std::min<int64_t>(4, rows - i));
      isa_->dots(call.a + (row0 + i) * lda_, lda_, high, b, ldb_, wide, k, sums);
      for (int r = 0; r < high; ++r) {
        float *c = call.c + (row0 + i + r) * n_ + column0 + j;
        for (int s = 0; s < wide; ++s) {
          float value = sums[r * wide + s];
          if (call.accumulate) value += c[s];
          if (call.bias != nullptr) value += call.bias[column0 + j + s];
          c[s] = call.relu && value < 0 ? 0 : value;
        }
      }
    }
  }
}

// [depth][width] with zeros in missing columns.
const float *Gemm::pack_b(const float *b, int64_t k0, int64_t depth, int64_t column, int64_t columns, int width,
                          float *packed) const {
  if (transpose_b_) {
    if (columns < width) std::memset(packed, 0, static_cast<size_t>(depth * width) * sizeof(float));
    isa_->transpose(b + column * ldb_ + k0, ldb_, columns, depth, packed, width);
    return packed;
  }
  const size_t bytes = static_cast<size_t>(columns) * sizeof(float);
  for (int64_t t = 0; t < depth; ++t) {
    float *row = packed + t * width;
    std::memcpy(row, b + (k0 + t) * ldb_ + column, bytes);
    std::fill(row + columns, row + width, 0.0f);
  }
  return packed;
}

void Gemm::run_tiles(int64_t row0, int64_t rows, int64_t column0, int64_t columns, const GemmCall &call,
                     float *scratch) const {
  const bool few_rows = rows < kPackRows;
  const bool pack_rows = columns >= 2 * kWidest && rows >= kPackRows;
  // Tall tiles where there are rows enough, else wide ones; narrow blocks take what fits.
  const int preferred = rows > 6 ? std::min(isa_->widths[0], 32) : isa_->widths[0];
  float *packed_a = scratch;
  float *packed_b = scratch + kMostRows * kDepth;
  const EvenSplit depths(call.depth >= 0 ? call.depth : k_, kDepth);

  for (int64_t step = 0; step < std::max<int64_t>(depths.count, 1); ++step) {
    const int64_t k0 = depths.count == 0 ? 0 : depths.begin(step);
    const int64_t depth = depths.count == 0 ? 0 : depths.end(step) - k0;
    const bool last = step + 1 >= depths.count;
    int packed_for = 0;  // rows of a tile that packed_a was made for
    int64_t done = 0;
    while (done < columns) {
      const int64_t left = columns - done;
      const int width = std::min(preferred, tile_width(*isa_, left));
      const int64_t wide = std::min<int64_t>(width, left);
      const EvenSplit tiles(rows, isa_->max_rows(width));

      TileCall tile;
      const int64_t column = column0 + done;
      const bool in_place = !transpose_b_ && few_rows && wide == width;
      tile.b = in_place ? call.b + k0 * ldb_ + column : pack_b(call.b, k0, depth, column, wide, width, packed_b);
      tile.ldb = in_place ? ldb_ : width;
      tile.k = depth;
      tile.ldc = n_;
      tile.columns = static_cast<int>(wide);
      tile.bias = last && call.bias != nullptr ? call.bias + column : nullptr;
      tile.accumulate = call.accumulate || step > 0;
      tile.relu = last && call.relu;

      const bool pack_now = pack_rows && packed_for != isa_->max_rows(width);
      if (pack_now) packed_for = isa_->max_rows(width);
      for (int64_t i = 0; i < tiles.count; ++i) {
        const int64_t first = tiles.begin(i);
        const int64_t high = tiles.end(i) - first;
        const float *a = transpose_a_ ? call.a + k0 * lda_ + row0 + first : call.a + (row0 + first) * lda_ + k0;
        tile.a_row = transpose_a_ ? 1 : lda_;
        tile.a_step = transpose_a_ ? lda_ : 1;
        if (pack_rows) {
          float *packed = packed_a + first * depth;
          if (pack_now && transpose_a_) {
            for (int64_t t = 0; t < depth; ++t) std::copy_n(a + t * lda_, high, packed + t * high);
          } else if (pack_now) {
            isa_->transpose(a, lda_, high, depth, packed, high);
          }
          a = packed;
          tile.a_row = 1;
          tile.a_step = high;
        }
        tile.a = a;
        tile.c = call.c + (row0 + first) * n_ + column;
        run_tile(*isa_, width, static_cast<int>(high), tile);
      }
      done += wide;
    }
  }
}

}  // namespace dlc
