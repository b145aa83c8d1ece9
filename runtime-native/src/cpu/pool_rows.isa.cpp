// Inner loops of pooling. A NaN wins over every number, the first of equals over the rest.
#include "pool_rows.h"

namespace dlc::DLC_ISA {
namespace {

bool beats(float value, float best) {
  return (value > best) | ((value != value) & (best == best));
}

// A fixed stride lets the compiler turn the strided reads into shuffles.
template <int Stride>
void max_taps(const MaxRow &row, float *best, int32_t *index) {
  const int64_t stride = Stride == 0 ? row.stride : Stride;
  const int64_t count = row.count;
  for (int64_t r = 0; r < row.kernel; ++r) {
    const float *x = row.x + r;
    const int32_t at = row.at + static_cast<int32_t>(r);
    for (int64_t o = 0; o < count; ++o) {
      const float value = x[o * stride];
      const bool better = beats(value, best[o]);
      best[o] = better ? value : best[o];
      index[o] = better ? at + static_cast<int32_t>(o * stride) : index[o];
    }
  }
}

template <int Stride>
void sum_taps(const float *x, int64_t count, int64_t given, int64_t kernel, float *sums) {
  const int64_t stride = Stride == 0 ? given : Stride;
  for (int64_t r = 0; r < kernel; ++r) {
    for (int64_t o = 0; o < count; ++o) sums[o] += x[o * stride + r];
  }
}

}  // namespace

void max_row(const MaxRow &row, float *best, int32_t *index) {
  if (row.stride == 1) {
    max_taps<1>(row, best, index);
  } else if (row.stride == 2) {
    max_taps<2>(row, best, index);
  } else {
    max_taps<0>(row, best, index);
  }
}

void max_run(const float *x, int64_t count, int32_t at, float *best, int32_t *index) {
  for (int64_t i = 0; i < count; ++i) {
    const bool better = beats(x[i], *best);
    *best = better ? x[i] : *best;
    *index = better ? at + static_cast<int32_t>(i) : *index;
  }
}

void sum_row(const float *x, int64_t count, int64_t stride, int64_t kernel, float *sums) {
  if (stride == 1) {
    sum_taps<1>(x, count, stride, kernel, sums);
  } else if (stride == 2) {
    sum_taps<2>(x, count, stride, kernel, sums);
  } else {
    sum_taps<0>(x, count, stride, kernel, sums);
  }
}

float sum_run(const float *x, int64_t count) {
  constexpr int64_t kLanes = 16;
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += x[i + j];
  }
  for (; i < count; ++i) lanes[i % kLanes] += x[i];
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

}  // namespace dlc::DLC_ISA
