// What the loops over channels-last depthwise convolutions have in common: sixteen channels of a pixel as a vector, on
// every instruction set, and what becomes of a sum. Included by files that are compiled for each instruction set, and
// by no other.
#pragma once

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "conv_last_depthwise_rows.h"

namespace dlc::DLC_ISA {
namespace {

constexpr int64_t kLanes = 16;

using Vec __attribute__((vector_size(64))) = float;
using VecAt __attribute__((vector_size(64), aligned(4), may_alias)) = float;
using Words __attribute__((vector_size(64))) = uint32_t;
using Halves __attribute__((vector_size(32))) = uint16_t;
using HalvesAt __attribute__((vector_size(32), aligned(2), may_alias)) = uint16_t;

// Elements of images: how sixteen of them, or the first `count` of them with zeros behind, become floats and come back.
struct F32 {
  using Type = float;
  static inline __attribute__((always_inline)) void load(const float *from, Vec &value) {
    value = *reinterpret_cast<const VecAt *>(from);
  }
  static inline __attribute__((always_inline)) void load_part(const float *from, int64_t count, Vec &value) {
#if defined(__AVX512F__)
    value = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
#else
    value = Vec{};
    for (int64_t i = 0; i < count; ++i) value[i] = from[i];
#endif
  }
  static inline __attribute__((always_inline)) void store(float *to, const Vec &value) {
    *reinterpret_cast<VecAt *>(to) = value;
  }
  static inline __attribute__((always_inline)) void store_part(float *to, int64_t count, const Vec &value) {
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), value);
#else
    for (int64_t i = 0; i < count; ++i) to[i] = value[i];
#endif
  }
};

struct Bf16 {
  using Type = uint16_t;
  static inline __attribute__((always_inline)) void widen(const Halves &halves, Vec &value) {
    value = (Vec)(__builtin_convertvector(halves, Words) << 16);
  }
  static inline __attribute__((always_inline)) void load(const uint16_t *from, Vec &value) {
    const Halves halves = *reinterpret_cast<const HalvesAt *>(from);
    widen(halves, value);
  }
  static inline __attribute__((always_inline)) void load_part(const uint16_t *from, int64_t count, Vec &value) {
#if defined(__AVX512F__)
    widen((Halves)_mm256_maskz_loadu_epi16(static_cast<__mmask16>((1u << count) - 1), from), value);
#else
    Halves halves{};
    for (int64_t i = 0; i < count; ++i) halves[i] = from[i];
    widen(halves, value);
#endif
  }
  // To nearest, ties to even; NaN stays NaN.
  static inline __attribute__((always_inline)) void narrow(const Vec &value, Halves &halves) {
    const Words bits = (Words)value;
    const Words rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const Words quiet = (bits >> 16) | 0x40u;
    halves = __builtin_convertvector((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded, Halves);
  }
  static inline __attribute__((always_inline)) void store(uint16_t *to, const Vec &value) {
    Halves halves;
    narrow(value, halves);
    *reinterpret_cast<HalvesAt *>(to) = halves;
  }
  static inline __attribute__((always_inline)) void store_part(uint16_t *to, int64_t count, const Vec &value) {
    Halves halves;
    narrow(value, halves);
    for (int64_t i = 0; i < count; ++i) to[i] = halves[i];
  }
};

// All sixteen channels, or the first `count` of them.
template <typename Element, bool Part>
inline __attribute__((always_inline)) void load(const typename Element::Type *from, int64_t count, Vec &value) {
  if constexpr (Part) {
    Element::load_part(from, count, value);
  } else {
    Element::load(from, value);
  }
}

// What the next row needs for `vectors` of its vectors.
inline __attribute__((always_inline)) void fetch(DepthwiseNext &next, int64_t vectors) {
  const std::byte *end = next.from + vectors * next.bytes;
  for (const std::byte *line = next.from; line < end; line += 64) __builtin_prefetch(line, 0, 2);
  next.from = end;
}

// The end of a pixel: residual, bounds, store. `at`: of its channels, in elements.
template <typename Element, bool Part>
inline __attribute__((always_inline)) void finish(const DepthwiseEnd &end, Vec sum, int64_t at, int64_t channels,
                                                  typename Element::Type *y) {
  using Type = typename Element::Type;
  if (end.residual != nullptr) {
    Vec residual;
    load<Element, Part>(static_cast<const Type *>(end.residual) + at, channels, residual);
    sum += residual;
  }
  if (end.clamps) {  // NaN stays
    const Vec low = end.low - Vec{}, high = end.high - Vec{};
    sum = sum < low ? low : sum;
    sum = sum > high ? high : sum;
  }
  if constexpr (Part) {
    Element::store_part(y + at, channels, sum);
  } else {
    Element::store(y + at, sum);
  }
}

}  // namespace
}  // namespace dlc::DLC_ISA
