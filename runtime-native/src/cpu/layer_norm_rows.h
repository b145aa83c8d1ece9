// Inner loops of layer normalization over (parts of) one row. A null gamma is 1 throughout, a null beta 0.
#pragma once

#include <cstdint>

#include "../isa.h"
#include "batch_norm_runs.h"

namespace dlc {

DLC_PER_ISA(Moments row_moments(const float *x, int64_t count); float squares_of(const float *x, int64_t count);
            // y = (x - mean) * rstd * gamma + beta
            void normalize_row(const float *x, float mean, float rstd, const float *gamma, const float *beta,
                               int64_t count, float *y);
            // Sums of g = dy * gamma and of g * (x - mean).
            GradSums row_grad_sums(const float *dy, const float *x, const float *gamma, float mean, int64_t count);
            // dgamma += dy * (x - mean) * rstd, dbeta += dy
            void add_columns(const float *dy, const float *x, float mean, float rstd, int64_t count, float *dgamma,
                             float *dbeta);
            // dx = rstd * (dy * gamma - a - (x - mean) * b)
            void row_gradient(const float *dy, const float *x, const float *gamma, float mean, float rstd, float a,
                              float b, int64_t count, float *dx);
            // to += from
            void add_row(const float *from, int64_t count, float *to);)

}  // namespace dlc
