// Rows that touch, several of them taken as one: so that loops along few channels are as long as those along many.
// Included by *.isa.cpp files only (everything is static to its file).
#pragma once

#include <cstdint>

namespace {

// Floats of the widest row that several make.
constexpr int64_t kWide = 256;

// How many rows make one: a power of two.
inline int64_t rows_beside(int64_t rows, int64_t pitch, int64_t width) {
  int64_t beside = 1;
  while (pitch == width && beside * 2 * width <= kWide && beside * 2 <= rows) beside *= 2;
  return beside;
}

// The same numbers for each of the rows.
inline void repeat(const float *from, int64_t width, int64_t times, float *to) {
  for (int64_t i = 0; i < width; ++i) to[i] = from[i];
  for (int64_t i = width; i < times * width; ++i) to[i] = to[i - width];
}

// What each of the rows holds, combined in halves into the first.
template <typename Combine>
inline void fold_beside(float *wide, int64_t width, int64_t beside, Combine combine) {
  for (int64_t half = beside / 2 * width; half >= width; half /= 2) {
#pragma GCC ivdep
    for (int64_t j = 0; j < half; ++j) wide[j] = combine(wide[j], wide[j + half]);
    if (half == width) break;
  }
}

}  // namespace
