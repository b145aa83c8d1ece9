// Inner loops of local response normalization.
#include "lrn_runs.h"

#include "vmath.h"

namespace dlc::DLC_ISA {

void add_squares(const float *x, int64_t count, float *sums) {
  for (int64_t i = 0; i < count; ++i) sums[i] += x[i] * x[i];
}

void response_powers(const float *sums, float k, float scale, float beta, int64_t count, float *power, float *next) {
  for (int64_t i = 0; i < count; ++i) {
    const float s = k + scale * sums[i];
    power[i] = vexp(-beta * vlog(s));
    next[i] = power[i] / s;
  }
}

void multiply_runs(const float *a, const float *b, int64_t count, float *y) {
  for (int64_t i = 0; i < count; ++i) y[i] = a[i] * b[i];
}

void multiply_into(const float *a, const float *b, int64_t count, float *t) {
  for (int64_t i = 0; i < count; ++i) t[i] *= a[i] * b[i];
}

void add_run(const float *t, int64_t count, float *sums) {
  for (int64_t i = 0; i < count; ++i) sums[i] += t[i];
}

void response_grad(const float *dy, const float *power, const float *x, const float *sums, float factor, int64_t count,
                   float *dx) {
  for (int64_t i = 0; i < count; ++i) dx[i] = dy[i] * power[i] - x[i] * (factor * sums[i]);
}

}  // namespace dlc::DLC_ISA
