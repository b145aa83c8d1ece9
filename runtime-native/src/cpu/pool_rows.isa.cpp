// Loops of pool_rows.h: sums first down the columns and then along the row.
#include "pool_rows.h"

namespace dlc::DLC_ISA {
namespace {

// Kernel and stride known to the compiler, or 0.
template <int Stride, int Kernel>
void add_columns(const float *__restrict columns, const PoolRow &row, float *__restrict sums) {
  const int64_t stride = Stride == 0 ? row.stride : Stride, kernel = Kernel == 0 ? row.kernel : Kernel;
  const int64_t count = row.count;
  for (int64_t o = 0; o < count; ++o) {
    float sum = columns[o * stride];
    for (int64_t s = 1; s < kernel; ++s) sum += columns[o * stride + s];
    sums[o] = sum;
  }
}

// Overwrites all of `columns`.
template <int Stride, int Kernel>
void spread_columns(const float *__restrict shares, const PoolRow &row, float *__restrict columns) {
  const int64_t stride = Stride == 0 ? row.stride : Stride, kernel = Kernel == 0 ? row.kernel : Kernel;
  const int64_t count = row.count, width = (count - 1) * stride + kernel;
  for (int64_t i = 0; i < width; ++i) columns[i] = 0;
  for (int64_t o = 0; o < count; ++o) {
    for (int64_t s = 0; s < kernel; ++s) columns[o * stride + s] += shares[o];
  }
}

}  // namespace

void sum_row(const PoolRow &row, float *__restrict columns, float *__restrict sums) {
  const int64_t width = (row.count - 1) * row.stride + row.kernel;
  for (int64_t i = 0; i < width; ++i) columns[i] = row.x[i];
  for (int64_t r = 1; r < row.rows; ++r) {
    const float *x = row.x + r * row.pitch;
    for (int64_t i = 0; i < width; ++i) columns[i] += x[i];
  }
  if (row.stride == 2 && row.kernel == 2) {
    add_columns<2, 2>(columns, row, sums);
  } else if (row.stride == 2 && row.kernel == 3) {
    add_columns<2, 3>(columns, row, sums);
  } else {
    add_columns<0, 0>(columns, row, sums);
  }
}

void spread_row(const PoolRow &row, const float *__restrict shares, float *__restrict columns, float *__restrict dx) {
  const int64_t width = (row.count - 1) * row.stride + row.kernel;
  if (row.stride == 2 && row.kernel == 2) {
    spread_columns<2, 2>(shares, row, columns);
  } else if (row.stride == 2 && row.kernel == 3) {
    spread_columns<2, 3>(shares, row, columns);
  } else {
    spread_columns<0, 0>(shares, row, columns);
  }
  for (int64_t r = 0; r < row.rows; ++r) {
    float *to = dx + r * row.pitch;
    for (int64_t i = 0; i < width; ++i) to[i] += columns[i];
  }
}

float sum_run(const float *x, int64_t count) {
  constexpr int64_t kLanes = 16;
  float lanes[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += x[i + j];
  }
  for (int64_t j = 0; j < count - whole; ++j) lanes[j] += x[whole + j];
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

}  // namespace dlc::DLC_ISA
