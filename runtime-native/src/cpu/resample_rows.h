// The inner loops of `resample`, for each instruction set.
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

struct ResampleLoops {
  // y[i] = sum over t of weight[t] * x[index[t] * width + i], for i < width.
  void (*row)(float *y, const float *x, int64_t width, const int32_t *index, const float *weight, int64_t taps);
  // y[i] = sum over t of weight[t * stride + i] * x[index[t * stride + i]], for i < n; a weight of 0 reads nothing.
  void (*line)(float *y, const float *x, int64_t n, const int32_t *index, const float *weight, int64_t stride,
               int64_t taps);
};

DLC_PER_ISA(ResampleLoops resample_loops();)

}  // namespace dlc
