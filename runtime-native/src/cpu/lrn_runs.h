// Inner loops of local response normalization over runs of pixels.
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

DLC_PER_ISA(
    // sums += x^2
    void add_squares(const float *x, int64_t count, float *sums);
    // power = s^-beta, next = s^(-beta - 1) with s = k + scale * sum
    void response_powers(const float *sums, float k, float scale, float beta, int64_t count, float *power, float *next);
    // y = a * b
    void multiply_runs(const float *a, const float *b, int64_t count, float *y);
    // t *= a * b
    void multiply_into(const float *a, const float *b, int64_t count, float *t);
    // sums += t
    void add_run(const float *t, int64_t count, float *sums);
    // dx = dy * power - x * (factor * sum)
    void response_grad(const float *dy, const float *power, const float *x, const float *sums, float factor,
                       int64_t count, float *dx);)

}  // namespace dlc
