// The register tile of gemm_tile.h for bfloat16 operands: products of pairs of values, summed in float,
//   C[i][j] (+)= sum over p of A(i, 2p) * B[2p][j] + A(i, 2p + 1) * B[2p + 1][j].
// The two values of a pair lie side by side on both sides: in rows of A, or in pixels of an image with its channels
// last, they are so by nature; B is packed as [pair][width][2]. A sum of odd length ends with a pair whose second half
// is 0 on both sides. Processors without dot products of bfloat16 pairs widen both sides: the same interface, other
// sums.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bf16.h"
#include "gemm_tile.h"

namespace dlc {

struct TileCallBf16 {
  const Bf16 *a = nullptr;
  ptrdiff_t a_row = 0;
  ptrdiff_t a_step = 0;              // distance of consecutive pairs, when offsets is null
  const int32_t *offsets = nullptr;  // or one offset for each pair
  int64_t pairs = 0;
  const Bf16 *b = nullptr;      // for each pair, 2 * width readable values
  ptrdiff_t ldb = 0;            // distance of consecutive pairs: 2 * width where panels are whole
  float *c = nullptr;           // read when `accumulate`, written unless `rounded` is there
  Bf16 *rounded = nullptr;      // where the result goes as bfloat16
  ptrdiff_t ldc = 0;            // of c, rounded and residual alike
  const float *sums = nullptr;  // what to add to when `accumulate`, where that is not C
  ptrdiff_t sums_row = 0;
  int columns = 0;  // written columns, <= width
  const float *bias = nullptr;
  const Bf16 *residual = nullptr;  // as in TileCall
  bool accumulate = false;
  bool relu = false;
  bool clamp = false;
  float low = 0, high = 0;
};

using TileFunctionBf16 = void (*)(const TileCallBf16 &call);

// Widths and rows of tiles are those of TileIsa. `a_row` of 2 (packed pairs of rows side by side) has tiles of its own.
struct TileIsaBf16 {
  TileFunctionBf16 (*tile)(int width, int rows, bool unit_rows, bool table);
  // Pairs of rows: y[p][j] = (x[2p][j], x[2p + 1][j]) for `depth` rows of `columns`, rounded where they are float;
  // zeros in the columns up to `width`, and in the place of a row that the last pair lacks.
  void (*zip)(const float *x, ptrdiff_t x_row, int64_t depth, int64_t columns, int64_t width, Bf16 *y);
  void (*zip_bf16)(const Bf16 *x, ptrdiff_t x_row, int64_t depth, int64_t columns, int64_t width, Bf16 *y);
  // Pairs within rows: rows of `count` values, rounded where they are float, and a zero behind an odd number of them.
  void (*narrow)(const float *x, ptrdiff_t x_row, int64_t rows, int64_t count, Bf16 *y, ptrdiff_t y_row);
  void (*copy)(const Bf16 *x, ptrdiff_t x_row, int64_t rows, int64_t count, Bf16 *y, ptrdiff_t y_row);
};

DLC_PER_ISA(const TileIsaBf16 &bf16_tiles(bool dots);)

// The tiles of this processor. A kernel asks once, when it is prepared.
inline const TileIsaBf16 &tile_isa_bf16() {
  return DLC_DISPATCH(bf16_tiles)(has_bf16_dots());
}

inline void run_tile(const TileIsaBf16 &isa, int width, int rows, const TileCallBf16 &call) {
  isa.tile(width, rows, call.a_row == 2, call.offsets != nullptr)(call);
}

}  // namespace dlc
