// Inner loops of pooling, over one row of outputs or one row of a window.
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

// One output row meets one input row: output o (of `count`) compares its taps x[o * stride + r], r in [0, kernel), all
// of which exist. `at` is the index of x[0].
struct MaxRow {
  const float *x;
  int64_t count, stride, kernel;
  int32_t at;
};

DLC_PER_ISA(void max_row(const MaxRow &row, float *best, int32_t *index);
            // best and index over x[0..count)
            void max_run(const float *x, int64_t count, int32_t at, float *best, int32_t *index);
            // sums[o] += the taps of output o
            void sum_row(const float *x, int64_t count, int64_t stride, int64_t kernel, float *sums);
            float sum_run(const float *x, int64_t count);)

}  // namespace dlc
