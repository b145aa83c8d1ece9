// Inner loops of batch normalization over a run of consecutive elements of one channel, or (rows of a matrix) over
// columns that are channels.
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

// Sum and sum of squared deviations from the mean of the run itself.
struct Moments {
  float sum, squares;
};
struct GradSums {
  float dy, product;  // sum of dy, sum of dy * (x - mean)
};

DLC_PER_ISA(Moments moments_of(const float *x, int64_t count);
            GradSums grad_sums_of(const float *dy, const float *x, float mean, int64_t count);
            // y = x * scale + shift
            void scale_run(const float *x, float scale, float shift, int64_t count, float *y);
            // dx = dy * a + x * b + c
            void blend_run(const float *dy, const float *x, float a, float b, float c, int64_t count, float *dx);)

}  // namespace dlc
