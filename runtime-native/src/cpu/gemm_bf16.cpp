// Products of bfloat16: blocks as in gemm.cpp, with operands in pairs along k. Sums of several steps along k that end
// as bfloat16 stay float in the lane's scratch until the last.
#include <algorithm>

#include "../thread_pool.h"
#include "gemm.h"

namespace dlc {
namespace {

constexpr int64_t kDepth = 512;
constexpr int64_t kWidest = 64;
// For fewer columns than this, rows of A that are fit for it are read where they are.
constexpr int64_t kPackColumns = 128;
constexpr int64_t kRowValues = GemmBlocks::kMostRows * (kDepth + 32);
constexpr int64_t kSideBySideValues = odd_lines(GemmBlocks::kMostRows) * kDepth;
constexpr int64_t kLeft = kRowValues > kSideBySideValues ? kRowValues : kSideBySideValues;
constexpr int64_t kSums = GemmBlocks::kMostRows * GemmBlocks::kMostColumns;
constexpr int64_t kPanel = kWidest * kDepth;

static_assert((kLeft + 2 * kPanel) * sizeof(Bf16) + kSums * sizeof(float) <= ThreadPool::kLaneScratchBytes);

}  // namespace

void Gemm::run_bf16(const GemmBlock &block, const GemmCall &call, std::byte *scratch) const {
  GemmMatrix a = problem_.a, b = problem_.b;
  a.data = call.a;
  b.data = call.b;
  const bool packed = problem_.packed_depth > 0;
  auto *sums = reinterpret_cast<float *>(scratch);
  auto *left_side = reinterpret_cast<Bf16 *>(sums + kSums);
  Bf16 *panel = left_side + kLeft;
  Bf16 *lines = panel + kPanel;
  const int64_t k = call.depth >= 0 ? call.depth : problem_.k;
  const EvenSplit steps(ceil_div(k, 2), kDepth / 2);  // in pairs

  for (int64_t step = 0; step < std::max<int64_t>(steps.count, 1); ++step) {
    const int64_t pairs = steps.count == 0 ? 0 : steps.end(step) - steps.begin(step);
    const int64_t k0 = steps.count == 0 ? 0 : 2 * steps.begin(step);
    const int64_t depth = std::min(k - k0, 2 * pairs);
    const bool last = step + 1 >= steps.count;
    TileCallBf16 tile;
    tile.pairs = pairs;
    tile.accumulate = call.accumulate || step > 0;
    tile.relu = last && call.relu;
    const Bf16 *rows = left_side;
    if (!a.transpose) {  // rows lie side by side
      const int64_t apart = odd_lines(block.rows);
      if (a.dtype == DLC_BF16) {
        bf16_->zip_bf16(a.at<Bf16>(k0, block.row), a.row, depth, block.rows, apart, left_side);
      } else {
        bf16_->zip(a.at<float>(k0, block.row), a.row, depth, block.rows, apart, left_side);
      }
      tile.a_row = 2;
      tile.a_step = 2 * apart;
    } else {
      tile.a_step = 2;
      tile.a_row = 2 * odd_lines(pairs);
      if (a.dtype != DLC_BF16) {
        bf16_->narrow(a.at<float>(k0, block.row), a.row, block.rows, depth, left_side, tile.a_row);
      } else if (depth % 2 == 0 && block.columns < kPackColumns) {
        rows = a.at<Bf16>(k0, block.row);
        tile.a_row = a.row;
      } else {
        bf16_->copy(a.at<Bf16>(k0, block.row), a.row, block.rows, depth, left_side, tile.a_row);
      }
    }
    tile.ldc = problem_.n;
    tile.sums_row = block.columns;
    for (int64_t done = 0; done < block.columns;) {
      const int64_t left = block.columns - done;
      const int64_t column = block.column + done;
      const int width = packed_width(*isa_, left);
      const int64_t wide = std::min<int64_t>(width, left);
      if (packed) {
        const int64_t before = packed_values(DLC_BF16, problem_.packed_depth, column);
        tile.b = static_cast<const Bf16 *>(call.b) + before + (call.first + k0) * width;
      } else {
        pack_panel(*isa_, *bf16_, b, k0, depth, column, wide, width, panel, lines);
        tile.b = panel;
      }
      tile.ldb = 2 * width;
      tile.columns = static_cast<int>(wide);
      tile.bias = last && call.bias != nullptr ? call.bias + column : nullptr;
      const EvenSplit tiles(block.rows, isa_->max_rows(width));
      for (int64_t i = 0; i < tiles.count; ++i) {
        const int64_t first = tiles.begin(i);
        const int64_t place = (block.row + first) * problem_.n + column;
        tile.a = rows + first * tile.a_row;
        if (call.rounded == nullptr) {
          tile.c = call.c + place;
        } else if (last) {
          tile.rounded = call.rounded + place;
          tile.sums = sums + first * block.columns + done;
        } else {
          tile.c = sums + first * block.columns + done;
          tile.ldc = block.columns;
        }
        run_tile(*bf16_, width, static_cast<int>(tiles.end(i) - first), tile);
      }
      done += wide;
    }
  }
}

}  // namespace dlc
