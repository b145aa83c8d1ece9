// Weighted sums of up to four rows, or of four taps for each element of a line, in one pass over the result.
#include "resample_rows.h"

namespace dlc::DLC_ISA {
namespace {

// y = the weighted sum of `taps` rows, added to what y holds if `more`.
template <int taps, bool more>
void add_rows(float *y, const float *const *rows, const float *weight, int64_t width) {
  // y is apart from everything that is read.
#pragma GCC ivdep
  for (int64_t i = 0; i < width; ++i) {
    float sum = more ? y[i] : 0.0f;
    for (int t = 0; t < taps; ++t) sum += weight[t] * rows[t][i];
    y[i] = sum;
  }
}

template <bool more>
void add_some(float *y, const float *const *rows, const float *weight, int64_t width, int64_t taps) {
  switch (taps) {
    case 1:
      return add_rows<1, more>(y, rows, weight, width);
    case 2:
      return add_rows<2, more>(y, rows, weight, width);
    case 3:
      return add_rows<3, more>(y, rows, weight, width);
    default:
      return add_rows<4, more>(y, rows, weight, width);
  }
}

void row(float *y, const float *x, int64_t width, const int32_t *index, const float *weight, int64_t taps) {
  if (taps == 0) {
    for (int64_t i = 0; i < width; ++i) y[i] = 0;
    return;
  }
  for (int64_t first = 0; first < taps; first += 4) {
    const int64_t count = taps - first < 4 ? taps - first : 4;
    const float *rows[4] = {};
    float weights[4] = {};
    for (int64_t t = 0; t < count; ++t) {
      rows[t] = x + index[first + t] * width;
      weights[t] = weight[first + t];
    }
    if (first == 0)
      add_some<false>(y, rows, weights, width, count);
    else
      add_some<true>(y, rows, weights, width, count);
  }
}

// The same along a line: every element of y is made of some of x. Loads are made in any case, which needs no branch: an
// unused tap names the first element.
template <int taps, bool more>
void add_taps(float *y, const float *x, int64_t n, const int32_t *index, const float *weight, int64_t stride) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    float sum = more ? y[i] : 0.0f;
    for (int t = 0; t < taps; ++t) {
      const float w = weight[t * stride + i], value = x[index[t * stride + i]];
      sum += w != 0.0f ? w * value : 0.0f;
    }
    y[i] = sum;
  }
}

template <bool more>
void add_some_taps(float *y, const float *x, int64_t n, const int32_t *index, const float *weight, int64_t stride,
                   int64_t taps) {
  switch (taps) {
    case 1:
      return add_taps<1, more>(y, x, n, index, weight, stride);
    case 2:
      return add_taps<2, more>(y, x, n, index, weight, stride);
    case 3:
      return add_taps<3, more>(y, x, n, index, weight, stride);
    default:
      return add_taps<4, more>(y, x, n, index, weight, stride);
  }
}

void line(float *y, const float *x, int64_t n, const int32_t *index, const float *weight, int64_t stride,
          int64_t taps) {
  if (taps == 0) {
    for (int64_t i = 0; i < n; ++i) y[i] = 0;
    return;
  }
  for (int64_t first = 0; first < taps; first += 4) {
    const int64_t count = taps - first < 4 ? taps - first : 4, skip = first * stride;
    if (first == 0)
      add_some_taps<false>(y, x, n, index, weight, stride, count);
    else
      add_some_taps<true>(y, x, n, index + skip, weight + skip, stride, count);
  }
}

}  // namespace

ResampleLoops resample_loops() {
  return {row, line};
}

}  // namespace dlc::DLC_ISA
