// Products of bfloat16: blocks as in gemm.cpp, with operands in pairs along k. Sums of several steps along k that end
// as bfloat16 stay float in the lane's scratch until the last.
#include <algorithm>

#include "../thread_pool.h"
#include "gemm.h"

namespace dlc {
namespace {

constexpr int64_t kDepth = 512;
// Rows of A, or rows of pairs of them, at odd numbers of cache lines.
constexpr int64_t kRowValues = GemmBlocks::kMostRows * 2 * odd_lines(kDepth / 2);
constexpr int64_t kPairValues = odd_lines(GemmBlocks::kMostRows) * kDepth;
constexpr int64_t kLeft = kRowValues > kPairValues ? kRowValues : kPairValues;
constexpr int64_t kSums = GemmBlocks::kMostRows * GemmBlocks::kMostColumns;
constexpr int64_t kPanels = GemmBlocks::kMostColumns * kDepth;
constexpr int64_t kLines = 64 * (kDepth + 1);

static_assert((kLeft + kPanels + kLines) * sizeof(Bf16) + kSums * sizeof(float) <= ThreadPool::kLaneScratchBytes);

}  // namespace

void Gemm::run_bf16(const GemmBlock &block, const GemmCall &call, std::byte *scratch) const {
  GemmMatrix a = problem_.a, b = problem_.b;
  a.data = call.a;
  b.data = call.b;
  const bool packed = problem_.packed_depth > 0;
  auto *sums = reinterpret_cast<float *>(scratch);
  auto *left_side = reinterpret_cast<Bf16 *>(sums + kSums);
  Bf16 *panels = left_side + kLeft;
  Bf16 *lines = panels + kPanels;
  const int64_t k = call.depth >= 0 ? call.depth : problem_.k;
  const auto width_at = [&](int64_t done) { return packed_width(*isa_, block.columns - done); };
  const EvenSplit tiles(block.rows, isa_->max_rows(width_at(0)));
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
    if (!a.transpose) {  // rows lie side by side, and do so in pairs
      const int64_t apart = odd_lines(block.rows);
      pack_panel(*isa_, *bf16_, a, k0, depth, block.row, block.rows, static_cast<int>(apart), left_side, lines);
      tile.a_row = 2;
      tile.a_step = 2 * apart;
    } else {
      tile.a_step = 2;
      tile.a_row = 2 * odd_lines(pairs);
      if (a.dtype != DLC_BF16) {
        bf16_->narrow(a.at<float>(k0, block.row), a.row, block.rows, depth, left_side, tile.a_row);
      } else if (depth % 2 == 0 && (block.columns < kManyColumns || !rows_compete(a))) {
        rows = a.at<Bf16>(k0, block.row);
        tile.a_row = a.row;
      } else {
        bf16_->copy(a.at<Bf16>(k0, block.row), a.row, block.rows, depth, left_side, tile.a_row);
      }
    }
    const auto pack_b = [&](int64_t from, int64_t run, int64_t done) {
      const int width = width_at(done);
      pack_panel(*isa_, *bf16_, b, k0 + from, run, block.column + done, std::min<int64_t>(width, block.columns - done),
                 width, panels + 2 * pairs * done + from * width, lines);
    };
    if (!packed && !b.transpose) {
      in_runs(b, depth, [&](int64_t from, int64_t run) {
        for (int64_t done = 0; done < block.columns; done += width_at(done)) pack_b(from, run, done);
      });
    }
    tile.ldc = problem_.n;
    tile.sums_row = block.columns;
    for (int64_t done = 0; done < block.columns; done += width_at(done)) {
      const int64_t column = block.column + done;
      const int width = width_at(done);
      if (packed) {
        const int64_t before = packed_values(DLC_BF16, problem_.packed_depth, column);
        tile.b = static_cast<const Bf16 *>(call.b) + before + (call.first + k0) * width;
      } else {
        if (b.transpose) pack_b(0, depth, done);
        tile.b = panels + 2 * pairs * done;
      }
      tile.ldb = 2 * width;
      tile.columns = static_cast<int>(std::min<int64_t>(width, block.columns - done));
      tile.bias = last && call.bias != nullptr ? call.bias + column : nullptr;
      for (int64_t i = 0; i < tiles.count; ++i) {
        const int64_t first = tiles.begin(i);
        const int64_t place = (block.row + first) * problem_.n + column;
        float *sum = sums + first * block.columns + done;
        tile.a = rows + first * tile.a_row;
        if (call.rounded == nullptr) {
          tile.c = call.c + place;
        } else if (last) {
          tile.rounded = call.rounded + place;
          tile.sums = sum;
        } else {
          tile.c = sum;
          tile.ldc = block.columns;
        }
        run_tile(*bf16_, width, static_cast<int>(tiles.end(i) - first), tile);
      }
    }
  }
}

}  // namespace dlc
