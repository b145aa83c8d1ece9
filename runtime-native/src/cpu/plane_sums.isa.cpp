// The tile of plane_sums.h for each instruction set: 6 rows by 4 columns with 32 registers, 3 by 4 with 16.
#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "plane_sums.h"

namespace dlc::DLC_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16, kMostRows = 6;
#elif defined(__AVX2__)
constexpr int kLanes = 8, kMostRows = 3;
#else
constexpr int kLanes = 4, kMostRows = 3;
#endif
constexpr int kMostColumns = 4, kPixels = 16;

using Vec __attribute__((vector_size(kLanes * 4))) = float;
using VecAt __attribute__((vector_size(kLanes * 4), aligned(4), may_alias)) = float;

inline __attribute__((always_inline)) Vec multiply_add(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__)
  return _mm256_fmadd_ps(a, b, c);
#else
  return a * b + c;
#endif
}

// Adds the upper half of the lanes to the lower, again and again.
template <int Half, int... Lane>
inline __attribute__((always_inline)) void fold(Vec &value, std::integer_sequence<int, Lane...> all) {
  value += __builtin_shufflevector(value, value, ((Lane + Half) % kLanes)...);
  if constexpr (Half > 1) fold<Half / 2>(value, all);
}

inline __attribute__((always_inline)) float sum_lanes(Vec &value) {
  fold<kLanes / 2>(value, std::make_integer_sequence<int, kLanes>());
  return value[0];
}

template <int Rows, int Columns>
void tile(const PlaneSums &call) {
  Vec acc[Rows][Columns] = {};
  for (int64_t n = 0; n < call.images; ++n) {
    const float *dy = call.dy + n * call.dy_image;
    const float *x[Columns];
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) x[j] = call.x + n * call.x_image + call.columns[j];
    for (int64_t v = 0; v < call.vectors; ++v) {
      const ptrdiff_t at = call.x_vectors[v];
#pragma GCC unroll 4
      for (int part = 0; part < kPixels; part += kLanes) {
        Vec pixels[Columns];
#pragma GCC unroll 4
        for (int j = 0; j < Columns; ++j) pixels[j] = *reinterpret_cast<const VecAt *>(x[j] + at + part);
#pragma GCC unroll 6
        for (int i = 0; i < Rows; ++i) {
          const Vec gradient = *reinterpret_cast<const VecAt *>(dy + i * call.dy_row + part);
#pragma GCC unroll 4
          for (int j = 0; j < Columns; ++j) acc[i][j] = multiply_add(gradient, pixels[j], acc[i][j]);
        }
      }
      dy += kPixels;
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) call.sums[i * call.sums_row + j] += sum_lanes(acc[i][j]);
  }
}

template <int Columns, int... Index>
PlaneSumsFunction pick_rows(int rows, std::integer_sequence<int, Index...>) {
  static constexpr PlaneSumsFunction kTiles[] = {tile<Index + 1, Columns>...};
  return kTiles[rows - 1];
}

PlaneSumsFunction pick(int rows, int columns) {
  constexpr auto kRows = std::make_integer_sequence<int, kMostRows>();
  switch (columns) {
    case 1:
      return pick_rows<1>(rows, kRows);
    case 2:
      return pick_rows<2>(rows, kRows);
    case 3:
      return pick_rows<3>(rows, kRows);
    default:
      return pick_rows<4>(rows, kRows);
  }
}

}  // namespace

const PlaneSumsIsa &plane_sums() {
  static constexpr PlaneSumsIsa kSums = {kMostRows, kMostColumns, pick};
  return kSums;
}

}  // namespace dlc::DLC_ISA
