// The right side of a product in the order in which tiles read it: panels of some columns, rows of a panel one after
// the other. Made for a block by gemm.cpp, or once for a whole matrix that does not change: then panel after panel,
// each for all of k. Missing columns of the last panel are zeros. In bfloat16, what lies side by side are the two rows
// of a pair, [pair][width][2], and a last pair has zeros in the place of a missing row.
#pragma once

#include <cstdint>

#include "../kernel.h"
#include "gemm_tile_bf16.h"

namespace dlc {

struct GemmMatrix {
  const void *data = nullptr;
  dlc_dtype dtype = DLC_F32;
  int64_t row = 0;         // distance of rows as stored
  bool transpose = false;  // stored as [columns, k]

  // From row t and column j of the matrix on.
  template <typename T>
  const T *at(int64_t t, int64_t j) const {
    return static_cast<const T *>(data) + (transpose ? j * row + t : t * row + j);
  }
};

// The rows from..from + depth, the columns column..column + columns of `b` as one panel.
void pack_panel(const TileIsa &isa, const GemmMatrix &b, int64_t from, int64_t depth, int64_t column, int64_t columns,
                int width, float *panel);
// The same in pairs. `lines` holds width * (depth + 1) values, which are needed for a transposed matrix only.
void pack_panel(const TileIsa &isa, const TileIsaBf16 &bf16, const GemmMatrix &b, int64_t from, int64_t depth,
                int64_t column, int64_t columns, int width, Bf16 *panel, Bf16 *lines);

// The width of the panel of a packed matrix that has `left` columns from it on.
inline int packed_width(const TileIsa &isa, int64_t left) {
  constexpr int64_t kPackedWidth = 32;
  return tile_width(isa, left < kPackedWidth ? left : kPackedWidth);
}

// At least `floats`, in an odd number of cache lines: rows so far apart do not compete for places in the cache.
inline constexpr int64_t odd_lines(int64_t floats) {
  return (ceil_div(floats, 16) | 1) * 16;
}

// From this many columns on, copying rows of A pays where they are read badly.
inline constexpr int64_t kManyColumns = 128;

// Rows of A, of which a tile reads a dozen side by side, that fall onto few places in the cache.
inline bool rows_compete(const GemmMatrix &a) {
  return a.row * static_cast<int64_t>(size_of(a.dtype)) % 2048 == 0;
}

// Packs panels of a block by runs along k: pack(from, depth). Where rows lie side by side, a few at a time are read
// from end to end, for panel after panel; a transposed matrix is read panel by panel anyway.
template <typename Pack>
void in_runs(const GemmMatrix &matrix, int64_t depth, Pack pack) {
  constexpr int64_t kRows = 16;
  const int64_t most = matrix.transpose ? depth : kRows;
  for (int64_t from = 0; from < depth; from += most) pack(from, depth - from < most ? depth - from : most);
}

// Values of a packed matrix [k, n], in f32 or bf16. The panels before column j take up packed_values(k, j).
inline int64_t packed_values(dlc_dtype dtype, int64_t k, int64_t n) {
  return round_up(n, kPanelAlign) * (dtype == DLC_BF16 ? round_up(k, 2) : k);
}

}  // namespace dlc
