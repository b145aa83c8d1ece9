// Rows: whole rows of x, weighted and added up, a block of columns at a time. Lines: a gather for each tap.
#include "resample_rows.h"

namespace dlc::DLC_ISA {
namespace {

constexpr int64_t kBlock = 64;

void row(float *y, const float *x, int64_t width, const int32_t *index, const float *weight, int64_t taps) {
  for (int64_t from = 0; from < width; from += kBlock) {
    const int64_t n = width - from < kBlock ? width - from : kBlock;
    float sums[kBlock] = {};
    for (int64_t t = 0; t < taps; ++t) {
      const float *const values = x + index[t] * width + from;
      const float w = weight[t];
      for (int64_t i = 0; i < n; ++i) sums[i] += w * values[i];
    }
    for (int64_t i = 0; i < n; ++i) y[from + i] = sums[i];
  }
}

void line(float *y, const float *x, int64_t n, const int32_t *index, const float *weight, int64_t stride,
          int64_t taps) {
  for (int64_t i = 0; i < n; ++i) y[i] = 0;
  for (int64_t t = 0; t < taps; ++t) {
    const int32_t *const at = index + t * stride;
    const float *const w = weight + t * stride;
    // y is apart from everything that is read.
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] += w[i] != 0.0f ? w[i] * x[at[i]] : 0.0f;
  }
}

}  // namespace

ResampleLoops resample_loops() {
  return {row, line};
}

}  // namespace dlc::DLC_ISA
