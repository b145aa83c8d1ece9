// The register tile, the dots and the transpose of gemm_tile.h, for each instruction set: 32 registers of 16 floats
// (AVX-512; tiles of 6x64, 12x32, 16x16), 16 of 8 (AVX2 with FMA; 6x16) or 16 of 4 (SSE2, NEON; 2x16).
#include "gemm_tile_store.h"

namespace dlc::DLC_ISA {
namespace {

template <int Rows, int Vectors, bool Unit, bool Table>
void tile(const TileCall &call) {
  constexpr int kGroups = (Rows + 2) / 3;  // rows of one group share a pointer: base, base + row, base + 2 rows
  constexpr int kParts = parts_of(Rows * Vectors);
  Vec acc[kParts][Rows][Vectors] = {};
  const float *b = call.b;
  const ptrdiff_t ldb = call.ldb;
  const ptrdiff_t row = Unit ? 1 : call.a_row;
  const float *base[kGroups];
#pragma GCC unroll 16
  for (int g = 0; g < kGroups; ++g) base[g] = call.a + 3 * g * row;
  const auto step = [&](int64_t t, int part) __attribute__((always_inline)) {
    const ptrdiff_t at = Table ? call.offsets[t] : 0;
    Vec columns[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) columns[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const float scalar = Unit ? base[0][at + i] : base[i / 3][at + (i % 3) * row];
      const Vec value = scalar - Vec{};
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) acc[part][i][v] = multiply_add(value, columns[v], acc[part][i][v]);
    }
    if (!Table) {
#pragma GCC unroll 16
      for (int g = 0; g < kGroups; ++g) base[g] += call.a_step;
    }
    b += ldb;
  };
  const int64_t k = call.k;
  const bool cut = kParts > 1 && k > kUncutDepth;
  int64_t t = 0;
  if (cut) {
    for (; t + kParts <= k; t += kParts) {
#pragma GCC unroll 4
      for (int p = 0; p < kParts; ++p) step(t + p, p);
    }
  }
  for (; t < k; ++t) step(t, 0);
  if (cut) join_parts(acc);
  finish(acc[0], call, call.c);
}

template <int Vectors, int... Index>
TileFunction pick_rows(int rows, bool unit, bool table, std::integer_sequence<int, Index...>) {
  static constexpr TileFunction kPlain[] = {tile<Index + 1, Vectors, false, false>...};
  static constexpr TileFunction kTable[] = {tile<Index + 1, Vectors, false, true>...};
  static constexpr TileFunction kUnit[] = {tile<Index + 1, Vectors, true, false>...};
  static constexpr TileFunction kUnitTable[] = {tile<Index + 1, Vectors, true, true>...};
  if (unit) return table ? kUnitTable[rows - 1] : kUnit[rows - 1];
  return table ? kTable[rows - 1] : kPlain[rows - 1];
}

// One butterfly stage of a register transpose: swaps the off-diagonal `Bit` sized halves of a pair of rows.
template <int Bit, int... J>
DLC_INLINE void exchange(Vec &low, Vec &high, std::integer_sequence<int, J...>) {
  const Vec first = __builtin_shufflevector(low, high, ((J & Bit) ? kLanes + J - Bit : J)...);
  high = __builtin_shufflevector(low, high, ((J & Bit) ? kLanes + J : J + Bit)...);
  low = first;
}

template <int Bit>
DLC_INLINE void stages(Vec *rows) {
  if constexpr (Bit < kLanes) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      if ((i & Bit) == 0) exchange<Bit>(rows[i], rows[i | Bit], std::make_integer_sequence<int, kLanes>());
    }
    stages<Bit * 2>(rows);
  }
}

void transpose_block(const float *src, ptrdiff_t src_row, float *dst, ptrdiff_t dst_row) {
  Vec rows[kLanes];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) rows[i] = *reinterpret_cast<const VecAt *>(src + i * src_row);
  stages<1>(rows);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) *reinterpret_cast<VecAt *>(dst + i * dst_row) = rows[i];
}

void transpose_edge(const float *src, ptrdiff_t src_row, int64_t height, int64_t width, float *dst, ptrdiff_t dst_row) {
  Vec rows[kLanes];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) rows[i] = i < height ? load_part(src + i * src_row, width) : Vec{};
  stages<1>(rows);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if (i < width) store_part(dst + i * dst_row, height, rows[i]);
  }
}

void transpose(const float *src, ptrdiff_t src_row, int64_t rows, int64_t columns, float *dst, ptrdiff_t dst_row) {
  for (int64_t r = 0; r < rows; r += kLanes) {
    const int64_t height = rows - r < kLanes ? rows - r : kLanes;
    for (int64_t c = 0; c < columns; c += kLanes) {
      const int64_t width = columns - c < kLanes ? columns - c : kLanes;
      const float *from = src + r * src_row + c;
      float *to = dst + c * dst_row + r;
      if (height == kLanes && width == kLanes) {
        transpose_block(from, src_row, to, dst_row);
      } else if (height * width <= kLanes * 2) {
        for (int64_t j = 0; j < width; ++j) {
          for (int64_t i = 0; i < height; ++i) to[j * dst_row + i] = from[i * src_row + j];
        }
      } else {
        transpose_edge(from, src_row, height, width, to, dst_row);
      }
    }
  }
}

void copy_rows(const float *src, ptrdiff_t src_row, int64_t rows, int64_t columns, int64_t width, float *dst) {
  for (int64_t t = 0; t < rows; ++t, src += src_row, dst += width) {
    int64_t j = 0;
    for (; j + kLanes <= columns; j += kLanes) store(dst + j, load(src + j));
    if (j < columns) store_part(dst + j, columns - j, load_part(src + j, columns - j));
    for (j = columns; j < width; ++j) dst[j] = 0;
  }
}

DLC_INLINE float sum_lanes(const Vec &value) {
  alignas(64) float lanes[kLanes];
  *reinterpret_cast<VecAt *>(lanes) = value;
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

template <int Rows, int Columns>
void dot_block(const float *a, ptrdiff_t a_row, const float *b, ptrdiff_t b_row, int64_t k, float *out) {
  Vec acc[Rows][Columns] = {};
  int64_t t = 0;
  for (; t + kLanes <= k; t += kLanes) {
    Vec left[Rows];
#pragma GCC unroll 4
    for (int i = 0; i < Rows; ++i) left[i] = *reinterpret_cast<const VecAt *>(a + i * a_row + t);
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) {
      const Vec right = *reinterpret_cast<const VecAt *>(b + j * b_row + t);
#pragma GCC unroll 4
      for (int i = 0; i < Rows; ++i) acc[i][j] = multiply_add(left[i], right, acc[i][j]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) {
      float sum = sum_lanes(acc[i][j]);
      for (int64_t rest = t; rest < k; ++rest) sum += a[i * a_row + rest] * b[j * b_row + rest];
      out[i * Columns + j] = sum;
    }
  }
}

void dots(const float *a, ptrdiff_t a_row, int rows, const float *b, ptrdiff_t b_row, int columns, int64_t k,
          float *out) {
  using Block = void (*)(const float *, ptrdiff_t, const float *, ptrdiff_t, int64_t, float *);
  static constexpr Block kBlocks[4][4] = {{dot_block<1, 1>, dot_block<1, 2>, dot_block<1, 3>, dot_block<1, 4>},
                                          {dot_block<2, 1>, dot_block<2, 2>, dot_block<2, 3>, dot_block<2, 4>},
                                          {dot_block<3, 1>, dot_block<3, 2>, dot_block<3, 3>, dot_block<3, 4>},
                                          {dot_block<4, 1>, dot_block<4, 2>, dot_block<4, 3>, dot_block<4, 4>}};
  kBlocks[rows - 1][columns - 1](a, a_row, b, b_row, k, out);
}

template <int Width>
TileFunction pick_width(int rows, bool unit, bool table) {
  return pick_rows<Width / kLanes>(rows, unit, table, std::make_integer_sequence<int, tile_rows(Width)>());
}

TileFunction pick(int width, int rows, bool unit, bool table) {
#if defined(__AVX512F__)
  if (width == 64) return pick_width<64>(rows, unit, table);
  if (width == 32) return pick_width<32>(rows, unit, table);
#endif
  (void)width;
  return pick_width<16>(rows, unit, table);
}

int most_rows(int width) {
  return tile_rows(width);
}

}  // namespace

const TileIsa &tiles() {
  static constexpr TileIsa kTiles = {
      kTileWidths, sizeof(kTileWidths) / sizeof(kTileWidths[0]), most_rows, pick, transpose, copy_rows, dots};
  return kTiles;
}

}  // namespace dlc::DLC_ISA
