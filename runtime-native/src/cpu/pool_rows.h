// Inner loops of average pooling.
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

// One row of outputs whose windows lie inside the image: output o (of `count`) looks at x[r * pitch + o * stride + s]
// for r in [0, rows), s in [0, kernel).
struct PoolRow {
  const float *x;
  int64_t pitch, rows, count, stride, kernel;
};

DLC_PER_ISA(
    // The sum of each window. `columns` is scratch for (count - 1) * stride + kernel floats.
    void sum_row(const PoolRow &row, float *columns, float *sums);
    // The reverse: adds shares[o] to every element of window o, in dx laid out as row.x would be.
    void spread_row(const PoolRow &row, const float *shares, float *columns, float *dx);
    float sum_run(const float *x, int64_t count);)

}  // namespace dlc
