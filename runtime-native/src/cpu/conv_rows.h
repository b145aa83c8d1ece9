// Inner loops of convolution outside the register tile: copying an image with zeros around it, and depthwise rows.
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

// Whole vectors are read: what `x` points into must have this many floats more than the sums need.
inline constexpr int64_t kDepthwiseSlack = 16;

// A row of one channel's outputs: y[o] = bias + sum over t of weights[t] * x[offsets[t] + o].
struct DepthwiseRow {
  const float *x;
  const int32_t *offsets;
  const float *weights;
  int64_t taps, count;
  float bias;
  bool relu;
};

// Sums over rows of `count` elements: lanes[t][l] += sum over r, o = l (mod 16) of dy[r][o] * x[offsets[t] + r * x_row
// + o].
struct DepthwiseSums {
  const float *x;
  const int32_t *offsets;
  int64_t x_row;
  const float *dy;
  int64_t dy_row;
  int64_t taps, rows, count;
};

DLC_PER_ISA(
    // `rows` rows of `columns`: from[i] for i in [left, right), zeros elsewhere. from[left] is the first element read.
    void copy_padded(const float *from, int64_t from_row, int64_t rows, int64_t columns, int64_t left, int64_t right,
                     float *to, int64_t to_row);
    // The same of every stride-th element of each row: from[i * stride].
    void copy_strided(const float *from, int64_t from_row, int64_t stride, int64_t rows, int64_t columns, int64_t left,
                      int64_t right, float *to, int64_t to_row);
    // to[i * stride] = from[i]
    void spread_strided(const float *from, int64_t stride, int64_t count, float *to);
    void depthwise_row(const DepthwiseRow &row, float *y);
    void depthwise_sums(const DepthwiseSums &sums, float *lanes);)

}  // namespace dlc
