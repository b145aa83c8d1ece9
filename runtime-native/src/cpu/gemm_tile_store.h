// What the register tiles of gemm_tile.isa.cpp and gemm_tile_bf16.isa.cpp have in common: their vectors, and how sums
// become elements of C. Included by files that are compiled for each instruction set, and by no other.
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <type_traits>
#include <utility>

#include "bf16.h"
#include "gemm_tile.h"

namespace dlc::DLC_ISA {
namespace {

#define DLC_INLINE inline __attribute__((always_inline))

#if defined(__AVX512F__)
constexpr int kLanes = 16;
constexpr int kTileWidths[] = {64, 32, 16};
constexpr int tile_rows(int width) {
  return width == 64 ? 6 : width == 32 ? 12 : 16;
}
#elif defined(__AVX2__)
constexpr int kLanes = 8;
constexpr int kTileWidths[] = {16};
constexpr int tile_rows(int) {
  return 6;
}
#else
constexpr int kLanes = 4;
constexpr int kTileWidths[] = {16};
constexpr int tile_rows(int) {
  return 2;
}
#endif

using Vec __attribute__((vector_size(kLanes * 4))) = float;
using VecAt __attribute__((vector_size(kLanes * 4), aligned(4), may_alias)) = float;
using Bits __attribute__((vector_size(kLanes * 4))) = uint32_t;
using BitsAt __attribute__((vector_size(kLanes * 4), aligned(2), may_alias)) = uint32_t;
using Halves __attribute__((vector_size(kLanes * 2))) = uint16_t;
using HalvesAt __attribute__((vector_size(kLanes * 2), aligned(2), may_alias)) = uint16_t;

DLC_INLINE Vec multiply_add(const Vec &a, const Vec &b, const Vec &c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__)
  return _mm256_fmadd_ps(a, b, c);
#else
  return a * b + c;
#endif
}

// The nearest bfloat16, ties to even, in the upper halves; what the lower ones hold is to be dropped. NaN stays NaN.
DLC_INLINE Bits rounded_bits(const Vec &x) {
  const Bits bits = __builtin_bit_cast(Bits, x);
  const Bits nearest = bits + 0x7fffu + ((bits >> 16) & 1u);
  return x == x ? nearest : bits | 0x400000u;
}

DLC_INLINE Vec load(const float *from) {
  return *reinterpret_cast<const VecAt *>(from);
}

DLC_INLINE Vec load(const Bf16 *from) {
  const Bits wide = __builtin_convertvector(*reinterpret_cast<const HalvesAt *>(from), Bits) << 16;
  return __builtin_bit_cast(Vec, wide);
}

DLC_INLINE void store(float *to, const Vec &value) {
  *reinterpret_cast<VecAt *>(to) = value;
}

DLC_INLINE void store(Bf16 *to, const Vec &value) {
  *reinterpret_cast<HalvesAt *>(to) = __builtin_convertvector(rounded_bits(value) >> 16, Halves);
}

// The first `count` values at `from`, zeros behind them; any number of at most kLanes.
DLC_INLINE Vec load_part(const float *from, int64_t count) {
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
#elif defined(__AVX2__)
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_maskload_ps(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lanes));
#else
  Vec value = {};
  for (int64_t i = 0; i < count; ++i) value[i] = from[i];
  return value;
#endif
}

DLC_INLINE Vec load_part(const Bf16 *from, int64_t count) {
  alignas(64) uint16_t lanes[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) lanes[i] = from[i].bits;
  return load(reinterpret_cast<const Bf16 *>(lanes));
}

DLC_INLINE void store_part(float *to, int64_t count, const Vec &value) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), value);
#elif defined(__AVX2__)
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  _mm256_maskstore_ps(to, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lanes), value);
#else
  for (int64_t i = 0; i < count; ++i) to[i] = value[i];
#endif
}

DLC_INLINE void store_part(Bf16 *to, int64_t count, const Vec &value) {
  alignas(64) uint16_t lanes[kLanes];
  *reinterpret_cast<HalvesAt *>(lanes) = __builtin_convertvector(rounded_bits(value) >> 16, Halves);
  for (int64_t i = 0; i < count; ++i) to[i].bits = lanes[i];
}

template <bool Part, typename T>
DLC_INLINE Vec load_some(const T *from, int64_t count) {
  if constexpr (Part) return load_part(from, count);
  return load(from);
}

// Sums that lie in memory to where they belong: one vector of one row.
template <bool Part, typename Call, typename Out>
DLC_INLINE void finish_vector(const float *sums, const Call &call, ptrdiff_t row, int64_t at, int64_t count, Out *out) {
  const ptrdiff_t place = row * call.ldc + at;
  Vec value = load(sums);
  if (call.accumulate)
    value += load_some<Part>(call.sums ? call.sums + row * call.sums_row + at : call.c + place, count);
  if (call.bias != nullptr) value += load_some<Part>(call.bias + at, count);
  if (call.residual != nullptr) value += load_some<Part>(call.residual + place, count);
  // Both keep NaN.
  if (call.relu) value = value < Vec{} ? Vec{} : value;
  if (call.clamp) {
    const Vec low = call.low - Vec{}, high = call.high - Vec{};
    value = value < low ? low : value;
    value = value > high ? high : value;
  }
  if constexpr (Part) {
    store_part(out + place, count, value);
  } else {
    store(out + place, value);
  }
}

// Sums of a tile [rows][vectors] to where they belong, with everything that a call may ask for on the way. Not inline:
// there is one tile for each shape.
template <typename Call, typename Out>
__attribute__((noinline)) void finish_spilled(const float *sums, int rows, int vectors, const Call &call, Out *out) {
  for (int i = 0; i < rows; ++i) {
    for (int v = 0; v < vectors && v * kLanes < call.columns; ++v) {
      const float *at = sums + (i * vectors + v) * kLanes;
      const int64_t left = call.columns - v * kLanes;
      if (left < kLanes) {
        finish_vector<true>(at, call, i, v * kLanes, left, out);
      } else {
        finish_vector<false>(at, call, i, v * kLanes, kLanes, out);
      }
    }
  }
}

// The same out of registers where rows are whole and the epilogue is a plain one.
template <int Rows, int Vectors, typename Call, typename Out>
DLC_INLINE void finish(Vec (&acc)[Rows][Vectors], const Call &call, Out *out) {
  if (call.columns != Vectors * kLanes || call.residual != nullptr || call.clamp) {
    alignas(64) float spilled[Rows * Vectors * kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) store(spilled + (i * Vectors + v) * kLanes, acc[i][v]);
    }
    finish_spilled(spilled, Rows, Vectors, call, out);
    return;
  }
  const bool accumulate = call.accumulate;
  const bool relu = call.relu;
  const float *bias = call.bias;
  const ptrdiff_t ldc = call.ldc;
  const float *sums = call.sums ? call.sums : call.c;
  const ptrdiff_t sums_row = call.sums ? call.sums_row : ldc;
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      Vec value = acc[i][v];
      if (accumulate) value += load(sums + i * sums_row + v * kLanes);
      if (bias != nullptr) value += load(bias + v * kLanes);
      if (relu) value = value < Vec{} ? Vec{} : value;
      store(out + i * ldc + v * kLanes, value);
    }
  }
}

// Where a tile has too few sums to keep the multipliers busy, every sum is made of this many that are added at the end.
constexpr int parts_of(int sums) {
  return sums <= 2 ? 4 : sums <= 4 ? 2 : 1;
}

template <int Parts, int Rows, int Vectors>
DLC_INLINE void join_parts(Vec (&acc)[Parts][Rows][Vectors]) {
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      if constexpr (Parts == 4) acc[0][i][v] = (acc[0][i][v] + acc[2][i][v]) + (acc[1][i][v] + acc[3][i][v]);
      if constexpr (Parts == 2) acc[0][i][v] += acc[1][i][v];
    }
  }
}

}  // namespace
}  // namespace dlc::DLC_ISA
