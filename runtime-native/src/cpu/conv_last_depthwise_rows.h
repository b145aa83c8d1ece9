// Inner loops of depthwise convolutions over channels-last images: a row of outputs, sixteen channels at a time. A row
// is cut into segments within which every pixel has the same taps; so borders cost no zeros and no questions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../isa.h"

namespace dlc {

// Elements from the image's first to the one that this tap reads for the segment's first pixel, and floats from the
// first weight to the tap's.
struct DepthwiseTap {
  int64_t x, weight;
};

struct DepthwiseSegment {
  int64_t y, y_step;  // elements from the row's first to the segment's first pixel, and from pixel to pixel
  int64_t x_step;
  int64_t count;
  const DepthwiseTap *taps;
  int64_t tap_count;
};

// Bytes that the next row will need, fetched bit by bit: so many for each vector that this row computes.
struct DepthwiseNext {
  const std::byte *from;
  int64_t bytes;
};

// y[c] = bias[c] + sum over taps of weights[tap][c] * x[tap][c], plus residual, clamped; of channels [first, end).
struct DepthwiseLastRow {
  const DepthwiseSegment *segments;
  int64_t segment_count;
  int64_t first, end;
  const void *x;
  void *y;
  const void *residual;  // like y, or null
  const float *weights;  // of each tap, sixteen beyond the last channel can be read
  const float *bias;     // or null
  bool clamps;
  float low, high;
  DepthwiseNext next_x;
};

// sums[tap][c] += sum over the row of x[tap][c] * dy[c].
struct DepthwiseLastSums {
  const DepthwiseSegment *segments;  // y is dy
  int64_t segment_count;
  int64_t first, end;
  const void *x, *dy;
  float *sums;  // as weights above
  DepthwiseNext next_x, next_dy;
};

DLC_PER_ISA(void depthwise_last_row(const DepthwiseLastRow &row, bool bf16);
            void depthwise_last_sums(const DepthwiseLastSums &row, bool bf16);)

}  // namespace dlc
