// Blocks around the register tile: a block of C at a time, in steps of kDepth along k; one packed panel of B stays in
// L1 while the packed rows of A stream past it from L2.
#include "gemm.h"

#include <algorithm>

#include "../thread_pool.h"

namespace dlc {
namespace {

constexpr int64_t kDepth = 256;
// Multiplies of a block: some ten microseconds at least. Large products are cut on where float32 needs several steps
// along k, so that blocks of C stay in the cache from one to the next; otherwise small blocks only pack more.
constexpr int64_t kLeastMultiplies = int64_t{1} << 20;
constexpr int64_t kMostMultiplies = int64_t{128} << 20;
constexpr int64_t kMostInSteps = int64_t{4} << 20;

GemmBlocks blocks_of(const GemmProblem &p) {
  const int64_t most = p.bf16 || p.k <= kDepth ? kMostMultiplies : kMostInSteps;
  return {p.m, p.n, p.k, p.bf16 ? 2 * kLeastMultiplies : kLeastMultiplies, most};
}

// Fewer rows than this: dot products straight from transposed B beat packing it.
constexpr int64_t kDotRows = 6;
// Fewer rows than this: B is read where it is.
constexpr int64_t kPackRows = 48;

static_assert((odd_lines(GemmBlocks::kMostRows) + GemmBlocks::kMostColumns) * kDepth * sizeof(float) <=
              ThreadPool::kLaneScratchBytes);

}  // namespace

Gemm::Gemm(const GemmProblem &problem)
    : isa_(&tile_isa()),
      bf16_(&tile_isa_bf16()),
      problem_(problem),
      blocks_(blocks_of(problem)),
      dots_(!problem.bf16 && problem.packed_depth == 0 && problem.b.transpose && problem.a.transpose &&
            problem.m <= kDotRows) {}

void Gemm::run(int64_t task, const GemmCall &call, std::byte *scratch) const {
  const GemmBlock block = blocks_.at(task);
  if (problem_.bf16) {
    run_bf16(block, call, scratch);
  } else if (dots_) {
    run_dots(block, call);
  } else {
    run_tiles(block, call, reinterpret_cast<float *>(scratch));
  }
}

void Gemm::run_dots(const GemmBlock &block, const GemmCall &call) const {
  const int64_t k = call.depth >= 0 ? call.depth : problem_.k;
  const int64_t lda = problem_.a.row, ldb = problem_.b.row;
  float sums[16];
  for (int64_t j = 0; j < block.columns; j += 4) {
    const int wide = static_cast<int>(std::min<int64_t>(4, block.columns - j));
    const float *b = static_cast<const float *>(call.b) + (block.column + j) * ldb;
    for (int64_t i = 0; i < block.rows; i += 4) {
      const int high = static_cast<int>(std::min<int64_t>(4, block.rows - i));
      isa_->dots(static_cast<const float *>(call.a) + (block.row + i) * lda, lda, high, b, ldb, wide, k, sums);
      for (int r = 0; r < high; ++r) {
        float *c = call.c + (block.row + i + r) * problem_.n + block.column + j;
        for (int s = 0; s < wide; ++s) {
          float value = sums[r * wide + s];
          if (call.accumulate) value += c[s];
          if (call.bias != nullptr) value += call.bias[block.column + j + s];
          c[s] = call.relu && value < 0 ? 0 : value;
        }
      }
    }
  }
}

void Gemm::run_tiles(const GemmBlock &block, const GemmCall &call, float *scratch) const {
  GemmMatrix a = problem_.a, b = problem_.b;
  a.data = call.a;
  b.data = call.b;
  const bool packed = problem_.packed_depth > 0;
  const bool few_rows = block.rows < kPackRows;
  const bool pack_rows = block.columns >= kManyColumns && block.rows >= kPackRows && (!a.transpose || rows_compete(a));
  // Tall tiles where there are rows enough, else wide ones; narrow blocks take what fits.
  const int widest = isa_->widths[0];
  const int preferred = packed || block.rows > 6 ? packed_width(*isa_, widest) : widest;
  float *packed_a = scratch;
  float *panels = scratch + odd_lines(GemmBlocks::kMostRows) * kDepth;
  const auto width_at = [&](int64_t done) { return std::min(preferred, tile_width(*isa_, block.columns - done)); };
  const int64_t apart = odd_lines(block.rows);
  const EvenSplit depths(call.depth >= 0 ? call.depth : problem_.k, kDepth);
  const EvenSplit tiles(block.rows, isa_->max_rows(width_at(0)));

  for (int64_t step = 0; step < std::max<int64_t>(depths.count, 1); ++step) {
    const int64_t k0 = depths.count == 0 ? 0 : depths.begin(step);
    const int64_t depth = depths.count == 0 ? 0 : depths.end(step) - k0;
    const bool last = step + 1 >= depths.count;
    // Rows that lie side by side are packed as they are, others by strips of a tile's rows.
    if (pack_rows && !a.transpose) {
      isa_->copy_rows(a.at<float>(k0, block.row), a.row, depth, block.rows, apart, packed_a);
    } else if (pack_rows) {
      for (int64_t i = 0; i < tiles.count; ++i) {
        const int64_t first = tiles.begin(i);
        const int high = static_cast<int>(tiles.end(i) - first);
        pack_panel(*isa_, a, k0, depth, block.row + first, high, high, packed_a + first * depth);
      }
    }
    const auto pack_b = [&](int64_t from, int64_t run, int64_t done) {
      const int width = width_at(done);
      pack_panel(*isa_, b, k0 + from, run, block.column + done, std::min<int64_t>(width, block.columns - done), width,
                 panels + done * depth + from * width);
    };
    if (!packed && !b.transpose && !few_rows) {
      in_runs(b, depth, [&](int64_t from, int64_t run) {
        for (int64_t done = 0; done < block.columns; done += width_at(done)) pack_b(from, run, done);
      });
    }
    for (int64_t done = 0; done < block.columns; done += width_at(done)) {
      const int width = width_at(done);
      const int64_t wide = std::min<int64_t>(width, block.columns - done);
      const int64_t column = block.column + done;
      TileCall tile;
      tile.ldb = width;
      if (packed) {
        const int64_t before = packed_values(DLC_F32, problem_.packed_depth, column);
        tile.b = static_cast<const float *>(call.b) + before + (call.first + k0) * width;
      } else if (!b.transpose && few_rows && wide == width) {
        tile.b = b.at<float>(k0, column);
        tile.ldb = b.row;
      } else {
        if (b.transpose || few_rows) pack_b(0, depth, done);
        tile.b = panels + done * depth;
      }
      tile.k = depth;
      tile.ldc = problem_.n;
      tile.columns = static_cast<int>(wide);
      tile.bias = last && call.bias != nullptr ? call.bias + column : nullptr;
      tile.accumulate = call.accumulate || step > 0;
      tile.relu = last && call.relu;
      for (int64_t i = 0; i < tiles.count; ++i) {
        const int64_t first = tiles.begin(i);
        const int64_t high = tiles.end(i) - first;
        if (pack_rows) {
          tile.a = packed_a + (a.transpose ? first * depth : first);
          tile.a_row = 1;
          tile.a_step = a.transpose ? high : apart;
        } else {
          tile.a = a.at<float>(k0, block.row + first);
          tile.a_row = a.transpose ? a.row : 1;
          tile.a_step = a.transpose ? 1 : a.row;
        }
        tile.c = call.c + (block.row + first) * problem_.n + column;
        run_tile(*isa_, width, static_cast<int>(high), tile);
      }
    }
  }
}

}  // namespace dlc
