// Inner loops of batch normalization over pixels whose channels lie side by side: down the columns of rows, and along
// blocks of elements with the numbers of their channels beside them. Elements are float or bfloat16.
#pragma once

#include <cstdint>

#include "../isa.h"
#include "bf16.h"

namespace dlc {

template <typename T>
struct BatchNormRows {
  // squares[j] = sum over rows r of (x[r * pitch + j] - mean[j])²
  void (*squares)(const T *x, int64_t rows, int64_t pitch, int64_t width, const float *mean, float *squares);
  // sums[j] = sum over r of dy, products[j] = sum over r of dy (x - mean[j])
  void (*products)(const T *dy, const T *x, int64_t rows, int64_t pitch, int64_t width, const float *mean, float *sums,
                   float *products);
  // The same with a dy that is float in any case, its rows dy_pitch apart.
  void (*made_products)(const float *dy, int64_t dy_pitch, const T *x, int64_t rows, int64_t pitch, int64_t width,
                        const float *mean, float *sums, float *products);
  // y = x * scale + shift, each for itself
  void (*scale)(const T *x, const float *scale, const float *shift, int64_t count, T *y);
  void (*scale_to_float)(const T *x, const float *scale, const float *shift, int64_t count, float *y);
  // dx = dy * a + x * b + c; dx may be dy
  void (*blend)(const T *dy, const T *x, const float *a, const float *b, const float *c, int64_t count, T *dx);
};

DLC_PER_ISA(BatchNormRows<float> batch_norm_rows(); BatchNormRows<Bf16> batch_norm_rows_bf16();
            // Chan's combination of moments: of `count` elements around `mean`, with their squares, and of `more` whose
            // sums and squares around their own mean are given.
            void add_moments(double *mean, double *squares, double count, const float *more_sums,
                             const float *more_squares, double more, int64_t width);)

}  // namespace dlc
