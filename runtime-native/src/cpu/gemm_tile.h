// The one inner loop that matmul and convolution share: a tile of C in registers,
//   C[i][j] (+)= sum over t of A(i, t) * B[t][j],  A(i, t) = a[i * a_row + off(t)],  off(t) = t * a_step or offsets[t].
// Rows of A are read in place by broadcasts, so they may be matrix rows (any transpose), pixels of an image or channels
// at one kernel tap; only B has to have its columns side by side. One set of functions for each instruction set, chosen
// by what the processor has. With them comes a blocked transpose, which does all the packing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../isa.h"

namespace dlc {

// Sums of no more products than this are made from the first to the last in any tile, so that a kernel that cuts a
// product into other tiles (fused_matmul.cpp) gets the same bits. Longer ones may be cut, see parts_of.
inline constexpr int64_t kUncutDepth = 64;

struct TileCall {
  const float *a = nullptr;
  ptrdiff_t a_row = 0;
  ptrdiff_t a_step = 0;              // distance of consecutive t, when offsets is null
  const int32_t *offsets = nullptr;  // or one offset for each t
  int64_t k = 0;
  const float *b = nullptr;  // k rows of at least `width` readable floats
  ptrdiff_t ldb = 0;
  float *c = nullptr;
  ptrdiff_t ldc = 0;
  const float *sums = nullptr;  // what to add to when `accumulate`, where that is not C
  ptrdiff_t sums_row = 0;
  int columns = 0;                  // written columns, <= width
  const float *bias = nullptr;      // one for each column, or null
  const float *residual = nullptr;  // added before the activation; rows and columns as in C, or null
  bool accumulate = false;          // add to what C holds
  bool relu = false;
  bool clamp = false;  // hold within low and high
  float low = 0, high = 0;
};

using TileFunction = void (*)(const TileCall &call);

struct TileIsa {
  // Tile widths in floats, widest first; every one is a multiple of the last.
  const int *widths;
  size_t width_count;
  int (*max_rows)(int width);
  // rows in 1..max_rows(width)
  TileFunction (*tile)(int width, int rows, bool unit_rows, bool table);
  // dst[c * dst_row + r] = src[r * src_row + c]; strides may be negative.
  void (*transpose)(const float *src, ptrdiff_t src_row, int64_t rows, int64_t columns, float *dst, ptrdiff_t dst_row);
  // dst[t * width + j] = src[t * src_row + j], zeros in the columns up to `width`.
  void (*copy_rows)(const float *src, ptrdiff_t src_row, int64_t rows, int64_t columns, int64_t width, float *dst);
  // out[i * columns + j] = sum over t of a[i * a_row + t] * b[j * b_row + t], rows and columns in 1..4.
  void (*dots)(const float *a, ptrdiff_t a_row, int rows, const float *b, ptrdiff_t b_row, int columns, int64_t k,
               float *out);
};

DLC_PER_ISA(const TileIsa &tiles();)

// The tiles of this processor. A kernel asks once, when it is prepared.
inline const TileIsa &tile_isa() {
  return DLC_DISPATCH(tiles)();
}

inline void run_tile(const TileIsa &isa, int width, int rows, const TileCall &call) {
  isa.tile(width, rows, call.a_row == 1, call.offsets != nullptr)(call);
}

// The widest tile that `columns` fill, or the narrowest one.
inline int tile_width(const TileIsa &isa, int64_t columns) {
  for (size_t i = 0; i < isa.width_count; ++i) {
    if (columns >= isa.widths[i]) return isa.widths[i];
  }
  return isa.widths[isa.width_count - 1];
}

// Widths of packed panels are multiples of this on every processor, so that workspace depends on shapes alone.
inline constexpr int64_t kPanelAlign = 16;
inline constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}
inline constexpr int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// Cuts `total` into the fewest parts of at most `most`, as even as can be.
struct EvenSplit {
  int64_t count = 0;
  int64_t total = 0;
  EvenSplit(int64_t all, int64_t most) : count(ceil_div(all, most)), total(all) {}
  int64_t begin(int64_t part) const { return part * (total / count) + (part < total % count ? part : total % count); }
  int64_t end(int64_t part) const { return begin(part + 1); }
};

}  // namespace dlc
