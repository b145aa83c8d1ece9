// Inner loops of pooling over images whose channels lie side by side: one vector of channels looks at the same pixels.
// Elements are float or bfloat16.
#pragma once

#include <cstdint>

#include "../isa.h"
#include "bf16.h"

namespace dlc {

// Windows of `depths` x `rows` x `taps` pixels, of `count` outputs that lie side by side: output o begins at
// x[o * step]. Lengths between neighbours are in elements, places in pixels of the plane.
template <typename T>
struct PoolWindows {
  const T *x;
  int64_t depths, rows, taps;
  int64_t depth_pitch, row_pitch, channels;
  int64_t count, step;
  int32_t place, depth_places, row_places, step_places;  // of x[0], and from one to the next
};

// A row of inputs and the outputs whose windows hold them: input i those of columns [first[i], last[i]), in `rows` rows
// of `depths` planes of dy. The share of an output is the product of three numbers.
template <typename T>
struct PoolShares {
  const T *dy;
  int64_t depths, rows;
  int64_t depth_pitch, row_pitch, channels;
  const float *depth_shares, *row_shares, *column_shares;
  const int32_t *first, *last;
  int64_t count;
};

// Outputs [0, pixels) of `width` channels, `pitch` apart, and the sums of the pixels [low, high) that won.
template <typename T>
struct PoolWinners {
  const T *dy;
  const int32_t *index;
  int64_t pixels, pitch, width;
  int64_t low, high;
  float *sums;
  int64_t sums_pitch;
};

template <typename T>
struct PoolPixels {
  // The first maximum of each window; a NaN is greater than every number. y or index may be null.
  void (*maxima)(const PoolWindows<T> &windows, T *y, int32_t *index);
  // y = the sum of each window, times shares[o]
  void (*sums)(const PoolWindows<T> &windows, const float *shares, T *y);
  void (*spread)(const PoolShares<T> &row, T *dx);
  // sums[(index - low) * sums_pitch + channel] += dy
  void (*collect)(const PoolWinners<T> &winners);
};

DLC_PER_ISA(PoolPixels<float> pool_pixels(); PoolPixels<Bf16> pool_pixels_bf16();
            // The least and the largest number of rows `pitch` apart.
            void index_range(const int32_t *index, int64_t rows, int64_t pitch, int64_t width, int32_t *least,
                             int32_t *most);)

template <typename T>
PoolPixels<T> pool_pixels_for();
template <>
inline PoolPixels<float> pool_pixels_for<float>() {
  return DLC_DISPATCH(pool_pixels)();
}
template <>
inline PoolPixels<Bf16> pool_pixels_for<Bf16>() {
  return DLC_DISPATCH(pool_pixels_bf16)();
}

}  // namespace dlc
