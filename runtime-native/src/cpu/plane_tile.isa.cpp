// The tile of plane_tile.h for each instruction set: 12 rows of two vectors with 32 registers of 16 floats (AVX-512), 6
// rows of one with 16 of 8 (AVX2), 2 rows of one with 16 of 4 (SSE2, NEON).
#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "plane_tile.h"

namespace dlc::DLC_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16, kMostRows = 12, kMostVectors = 2;
#elif defined(__AVX2__)
constexpr int kLanes = 8, kMostRows = 6, kMostVectors = 1;
#else
constexpr int kLanes = 4, kMostRows = 2, kMostVectors = 1;
#endif
// Registers of one vector of pixels.
constexpr int kParts = static_cast<int>(kPlaneLanes) / kLanes;

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

inline __attribute__((always_inline)) void store(const Vec *parts, unsigned mask, float *to) {
  if (mask == 0xffff) {
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) *reinterpret_cast<VecAt *>(to + p * kLanes) = parts[p];
    return;
  }
#if defined(__AVX512F__)
  const __m512 packed = _mm512_maskz_compress_ps(static_cast<__mmask16>(mask), parts[0]);
  const unsigned count = static_cast<unsigned>(__builtin_popcount(mask));
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), packed);
#else
  for (int l = 0; l < kPlaneLanes; ++l) {
    if (mask >> l & 1) *to++ = parts[l / kLanes][l % kLanes];
  }
#endif
}

template <int Rows, int Vectors>
void tile(const PlaneCall &call) {
  constexpr int kAll = Vectors * kParts;
  Vec acc[Rows][kAll] = {};
  const float *weights = call.weights;
  const float *x[Vectors];
#pragma GCC unroll 4
  for (int v = 0; v < Vectors; ++v) x[v] = call.x + call.vectors[v].x;
  const int64_t k = call.k;
  for (int64_t t = 0; t < k; ++t) {
    const ptrdiff_t at = call.offsets[t];
    Vec pixels[kAll];
#pragma GCC unroll 8
    for (int j = 0; j < kAll; ++j) {
      pixels[j] = *reinterpret_cast<const VecAt *>(x[j / kParts] + at + j % kParts * kLanes);
    }
#pragma GCC unroll 12
    for (int i = 0; i < Rows; ++i) {
      const Vec weight = weights[i] - Vec{};
#pragma GCC unroll 8
      for (int j = 0; j < kAll; ++j) acc[i][j] = multiply_add(weight, pixels[j], acc[i][j]);
    }
    weights += Rows;
  }
  const bool relu = call.relu;
#pragma GCC unroll 12
  for (int i = 0; i < Rows; ++i) {
    const Vec bias = (call.bias != nullptr ? call.bias[i] : 0.0f) - Vec{};
#pragma GCC unroll 8
    for (int j = 0; j < kAll; ++j) {
      acc[i][j] += bias;
      if (relu) acc[i][j] = acc[i][j] < Vec{} ? Vec{} : acc[i][j];  // keeps NaN
    }
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      store(acc[i] + v * kParts, call.vectors[v].mask, call.y + i * call.y_row + call.vectors[v].y);
    }
  }
}

template <int Vectors, int... Index>
PlaneFunction pick_rows(int rows, std::integer_sequence<int, Index...>) {
  static constexpr PlaneFunction kTiles[] = {tile<Index + 1, Vectors>...};
  return kTiles[rows - 1];
}

PlaneFunction pick(int rows, int vectors) {
  constexpr auto kRows = std::make_integer_sequence<int, kMostRows>();
  if constexpr (kMostVectors > 1) {
    if (vectors == 2) return pick_rows<2>(rows, kRows);
  }
  (void)vectors;
  return pick_rows<1>(rows, kRows);
}

}  // namespace

const PlaneIsa &planes() {
  static constexpr PlaneIsa kPlanes = {kMostRows, kMostVectors, pick};
  return kPlanes;
}

}  // namespace dlc::DLC_ISA
