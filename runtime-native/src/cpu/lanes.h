// Sums and maxima of runs in 64 interleaved lanes, folded in halves: one order on every processor, in registers of its
// own width. Included by *.isa.cpp files only (everything is static to its file).
#pragma once

#include <cstdint>
#include <utility>

namespace {

#if defined(__AVX512F__)
constexpr int64_t kWidth = 16;
#elif defined(__AVX__)
constexpr int64_t kWidth = 8;
#else
constexpr int64_t kWidth = 4;
#endif
constexpr int64_t kLanes = 64;
constexpr int64_t kVectors = kLanes / kWidth;

using Vec __attribute__((vector_size(kWidth * 4))) = float;
using VecAt __attribute__((vector_size(kWidth * 4), aligned(4), may_alias)) = float;

// The upper half of the lanes joins the lower, again and again.
template <int half>
struct Fold {
  template <int... lane>
  static inline float sum(const Vec &value, std::integer_sequence<int, lane...> all) {
    const Vec folded = value + __builtin_shufflevector(value, value, ((lane + half) % kWidth)...);
    if constexpr (half > 1) {
      return Fold<half / 2>::sum(folded, all);
    } else {
      return folded[0];
    }
  }
  template <int... lane>
  static inline float most(const Vec &value, std::integer_sequence<int, lane...> all) {
    const Vec other = __builtin_shufflevector(value, value, ((lane + half) % kWidth)...);
    const Vec folded = other > value ? other : value;
    if constexpr (half > 1) {
      return Fold<half / 2>::most(folded, all);
    } else {
      return folded[0];
    }
  }
};

// Lane l has met the elements l, l + 64, …
struct Lanes {
  Vec v[kVectors];

  inline void fill(float value) {
    for (int64_t k = 0; k < kVectors; ++k) v[k] = Vec{} + value;
  }
  inline float sum() {
    for (int64_t half = kVectors / 2; half > 0; half /= 2) {
#pragma GCC unroll 16
      for (int64_t k = 0; k < half; ++k) v[k] += v[k + half];
    }
    return Fold<kWidth / 2>::sum(v[0], std::make_integer_sequence<int, kWidth>());
  }
  inline float most() {
    for (int64_t half = kVectors / 2; half > 0; half /= 2) {
#pragma GCC unroll 16
      for (int64_t k = 0; k < half; ++k) v[k] = v[k + half] > v[k] ? v[k + half] : v[k];
    }
    return Fold<kWidth / 2>::most(v[0], std::make_integer_sequence<int, kWidth>());
  }
};

inline const Vec at(const float *x) {
  return *reinterpret_cast<const VecAt *>(x);
}

// Calls f(k, i) for the vector k of lanes that elements i, i + 1, … belong to, and at the end rest(k, i, count) for
// what does not fill a vector, if anything.
template <typename F, typename Rest>
inline void each_vector(int64_t count, F f, Rest rest) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
#pragma GCC unroll 16
    for (int64_t k = 0; k < kVectors; ++k) f(k, i + k * kWidth);
  }
#pragma GCC unroll 16
  for (int64_t k = 0; k < kVectors; ++k) {
    const int64_t left = count - i - k * kWidth;
    if (left >= kWidth) {
      f(k, i + k * kWidth);
    } else if (left > 0) {
      rest(k, i + k * kWidth, left);
    }
  }
}

// The elements from i on, and `fill` where there are no more.
inline const Vec padded(const float *x, int64_t count, float fill) {
  alignas(64) float buffer[kWidth];
  for (int64_t j = 0; j < kWidth; ++j) buffer[j] = j < count ? x[j] : fill;
  return at(buffer);
}

}  // namespace
