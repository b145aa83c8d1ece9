// Sums in 64 interleaved lanes, folded in halves: one order on every processor.
#include "batch_norm_runs.h"

namespace dlc::DLC_ISA {
namespace {

constexpr int64_t kLanes = 64;

float fold(float *lanes) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

}  // namespace

Moments moments_of(const float *x, int64_t count) {
  alignas(64) float lanes[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += x[i + j];
  }
  for (int64_t j = 0; j < count - whole; ++j) lanes[j] += x[whole + j];
  const float sum = fold(lanes);
  const float mean = sum / static_cast<float>(count);
  for (int64_t j = 0; j < kLanes; ++j) lanes[j] = 0;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += (x[i + j] - mean) * (x[i + j] - mean);
  }
  for (int64_t j = 0; j < count - whole; ++j) lanes[j] += (x[whole + j] - mean) * (x[whole + j] - mean);
  return {sum, fold(lanes)};
}

GradSums grad_sums_of(const float *dy, const float *x, float mean, int64_t count) {
  alignas(64) float sums[kLanes] = {};
  alignas(64) float products[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      sums[j] += dy[i + j];
      products[j] += dy[i + j] * (x[i + j] - mean);
    }
  }
  for (int64_t j = 0; j < count - whole; ++j) {
    sums[j] += dy[whole + j];
    products[j] += dy[whole + j] * (x[whole + j] - mean);
  }
  return {fold(sums), fold(products)};
}

void scale_run(const float *x, float scale, float shift, int64_t count, float *y) {
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] * scale + shift;
}

void blend_run(const float *dy, const float *x, float a, float b, float c, int64_t count, float *dx) {
  for (int64_t i = 0; i < count; ++i) dx[i] = dy[i] * a + (x[i] * b + c);
}

}  // namespace dlc::DLC_ISA
