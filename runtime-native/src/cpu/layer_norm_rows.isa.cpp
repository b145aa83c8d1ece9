// Rows of layer normalization: sums in the lanes of lanes.h.
#include "layer_norm_rows.h"

#include "lanes.h"

namespace dlc::DLC_ISA {

Moments row_moments(const float *x, int64_t count) {
  Lanes lanes;
  lanes.fill(0);
  each_vector(
      count, [&](int64_t k, int64_t i) { lanes.v[k] += at(x + i); },
      [&](int64_t k, int64_t i, int64_t rest) { lanes.v[k] += padded(x + i, rest, 0); });
  const float sum = lanes.sum(), mean = sum / static_cast<float>(count);
  lanes.fill(0);
  const auto take = [&](int64_t k, Vec value) { lanes.v[k] += (value - mean) * (value - mean); };
  each_vector(
      count, [&](int64_t k, int64_t i) { take(k, at(x + i)); },
      [&](int64_t k, int64_t i, int64_t rest) { take(k, padded(x + i, rest, mean)); });
  return {sum, lanes.sum()};
}

float squares_of(const float *x, int64_t count) {
  Lanes lanes;
  lanes.fill(0);
  const auto take = [&](int64_t k, Vec value) { lanes.v[k] += value * value; };
  each_vector(
      count, [&](int64_t k, int64_t i) { take(k, at(x + i)); },
      [&](int64_t k, int64_t i, int64_t rest) { take(k, padded(x + i, rest, 0)); });
  return lanes.sum();
}

void normalize_row(const float *x, float mean, float rstd, const float *gamma, const float *beta, int64_t count,
                   float *y) {
  if (gamma == nullptr) {
    for (int64_t i = 0; i < count; ++i) y[i] = (x[i] - mean) * rstd;
  } else if (beta == nullptr) {
    for (int64_t i = 0; i < count; ++i) y[i] = (x[i] - mean) * rstd * gamma[i];
  } else {
    for (int64_t i = 0; i < count; ++i) y[i] = (x[i] - mean) * rstd * gamma[i] + beta[i];
  }
}

GradSums row_grad_sums(const float *dy, const float *x, const float *gamma, float mean, int64_t count) {
  Lanes sums, products;
  sums.fill(0);
  products.fill(0);
  const auto take = [&](int64_t k, Vec g, Vec value) {
    sums.v[k] += g;
    products.v[k] += g * (value - mean);
  };
  if (gamma == nullptr) {
    each_vector(
        count, [&](int64_t k, int64_t i) { take(k, at(dy + i), at(x + i)); },
        [&](int64_t k, int64_t i, int64_t rest) { take(k, padded(dy + i, rest, 0), padded(x + i, rest, mean)); });
  } else {
    each_vector(
        count, [&](int64_t k, int64_t i) { take(k, at(dy + i) * at(gamma + i), at(x + i)); },
        [&](int64_t k, int64_t i, int64_t rest) {
          take(k, padded(dy + i, rest, 0) * padded(gamma + i, rest, 0), padded(x + i, rest, mean));
        });
  }
  return {sums.sum(), products.sum()};
}

void add_columns(const float *dy, const float *x, float mean, float rstd, int64_t count, float *dgamma, float *dbeta) {
  for (int64_t i = 0; i < count; ++i) {
    dgamma[i] += dy[i] * ((x[i] - mean) * rstd);
    dbeta[i] += dy[i];
  }
}

void row_gradient(const float *dy, const float *x, const float *gamma, float mean, float rstd, float a, float b,
                  int64_t count, float *dx) {
  if (gamma == nullptr) {
    for (int64_t i = 0; i < count; ++i) dx[i] = rstd * (dy[i] - a - (x[i] - mean) * b);
  } else {
    for (int64_t i = 0; i < count; ++i) dx[i] = rstd * (dy[i] * gamma[i] - a - (x[i] - mean) * b);
  }
}

void add_row(const float *from, int64_t count, float *to) {
  for (int64_t i = 0; i < count; ++i) to[i] += from[i];
}

}  // namespace dlc::DLC_ISA
