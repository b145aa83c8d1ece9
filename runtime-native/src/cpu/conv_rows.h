// Inner loops of convolution outside the register tile: copying an image with zeros around it, and depthwise rows.
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

// A row of one channel's outputs: y[o] = bias + sum over t of weights[t] * x[offsets[t] + o * stride].
struct DepthwiseRow {
  const float *x;
  const int32_t *offsets;
  const float *weights;
  int64_t taps, stride, count;
  float bias;
  bool relu;
};

DLC_PER_ISA(
    // `rows` rows of `columns`: from[i] for i in [left, right), zeros elsewhere. from[left] is the first element read.
    void copy_padded(const float *from, int64_t from_row, int64_t rows, int64_t columns, int64_t left, int64_t right,
                     float *to, int64_t to_row);
    void depthwise_row(const DepthwiseRow &row, float *y);)

}  // namespace dlc
