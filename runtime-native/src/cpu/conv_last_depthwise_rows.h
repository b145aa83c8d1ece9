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

// What becomes of a sum before it is stored.
struct DepthwiseEnd {
  const void *residual;  // like y, or null
  bool clamps;
  float low, high;
};

// y[c] = bias[c] + sum over taps of weights[tap][c] * x[tap][c], plus residual, clamped; of channels [first, end).
struct DepthwiseLastRow {
  const DepthwiseSegment *segments;
  int64_t segment_count;
  int64_t first, end;
  const void *x;
  void *y;
  const float *weights;  // of each tap, sixteen beyond the last channel can be read
  const float *bias;     // or null
  DepthwiseEnd end_of_sum;
  DepthwiseNext next_x;
};

// Two rows of a 3x3 convolution of stride 1, or one: what several outputs read is loaded once.
struct DepthwiseLastPair {
  const void *x[4];        // the rows that are read, null outside of the image
  void *y[2];              // null: no second row
  int64_t width, outputs;  // pixels of a row of x, of y; no less than four outputs
  int64_t low;             // pixels before x's first that the first output reads
  int64_t pitch;           // elements from pixel to pixel
  int64_t first, end;      // channels
  const float *weights;    // nine, in the order of x
  int64_t weight_step;     // floats from one to the next
  const float *bias;       // or null
  DepthwiseEnd end_of_sum[2];
  DepthwiseNext next_x;  // for each block of four outputs
};
using DepthwisePairFunction = void (*)(const DepthwiseLastPair &pair, bool bf16);

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
            void depthwise_last_sums(const DepthwiseLastSums &row, bool bf16);
            // Null where there are too few registers for weights and sums of a pair. The same bits as of single rows.
            DepthwisePairFunction depthwise_last_pair();)

}  // namespace dlc
