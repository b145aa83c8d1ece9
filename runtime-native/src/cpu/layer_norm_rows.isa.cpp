// Sums in 32 interleaved lanes, folded in halves: one order on every processor.
#include "layer_norm_rows.h"

namespace dlc::DLC_ISA {
namespace {

constexpr int64_t kLanes = 32;

float fold(float *lanes) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

}  // namespace

float squares_of(const float *x, int64_t count) {
  alignas(64) float lanes[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += x[i + j] * x[i + j];
  }
  for (int64_t j = 0; j < count - whole; ++j) lanes[j] += x[whole + j] * x[whole + j];
  return fold(lanes);
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
  alignas(64) float sums[kLanes] = {};
  alignas(64) float products[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  const auto add = [&](int64_t j, float g, float value) {
    sums[j] += g;
    products[j] += g * (value - mean);
  };
  if (gamma == nullptr) {
    for (int64_t i = 0; i < whole; i += kLanes) {
      for (int64_t j = 0; j < kLanes; ++j) add(j, dy[i + j], x[i + j]);
    }
    for (int64_t j = 0; j < count - whole; ++j) add(j, dy[whole + j], x[whole + j]);
  } else {
    for (int64_t i = 0; i < whole; i += kLanes) {
      for (int64_t j = 0; j < kLanes; ++j) add(j, dy[i + j] * gamma[i + j], x[i + j]);
    }
    for (int64_t j = 0; j < count - whole; ++j) add(j, dy[whole + j] * gamma[whole + j], x[whole + j]);
  }
  return {fold(sums), fold(products)};
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
