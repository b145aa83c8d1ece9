// Reductions of rows: 64 lanes over blocks of 1024 values in float, everything above them in double.
#include "reduce_loops.h"

namespace dlc::DLC_ISA {
namespace {

constexpr int kLanes = 64;
constexpr int64_t kBlock = 1024;
constexpr float kInfinity = __builtin_inff();

struct Sum {
  static constexpr float kStart = 0;
  template <typename T>
  static inline T combine(T a, T b) {
    return a + b;
  }
};
// NaN of either side wins.
struct Max {
  static constexpr float kStart = -kInfinity;
  template <typename T>
  static inline T combine(T a, T b) {
    return (a > b) | (a != a) ? a : b;
  }
};
struct Min {
  static constexpr float kStart = kInfinity;
  template <typename T>
  static inline T combine(T a, T b) {
    return (a < b) | (a != a) ? a : b;
  }
};

struct Product {
  static constexpr float kStart = 1;
  template <typename T>
  static inline T combine(T a, T b) {
    return a * b;
  }
};

template <typename R>
double row(const float *x, int64_t n) {
  double total = static_cast<double>(R::kStart);
  while (n >= kLanes) {
    const int64_t block = (n < kBlock ? n : kBlock) / kLanes * kLanes;
    float lanes[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = x[lane];
    for (int64_t i = kLanes; i < block; i += kLanes)
      for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = R::combine(lanes[lane], x[i + lane]);
    // Lanes halve in float down to 16, which end in double.
    for (int half = kLanes / 2; half >= 16; half /= 2)
      for (int lane = 0; lane < half; ++lane) lanes[lane] = R::combine(lanes[lane], lanes[lane + half]);
    double sums[16];
    for (int k = 0; k < 16; ++k) sums[k] = static_cast<double>(lanes[k]);
    for (int half = 8; half >= 1; half /= 2)
      for (int k = 0; k < half; ++k) sums[k] = R::combine(sums[k], sums[k + half]);
    total = R::combine(total, sums[0]);
    x += block;
    n -= block;
  }
  for (int64_t i = 0; i < n; ++i) total = R::combine(total, static_cast<double>(x[i]));
  return total;
}

// A few factors may leave the range of float though the product does not: all of it is in double.
double product_row(const float *x, int64_t n) {
  constexpr int lanes = 16;
  double products[lanes];
  for (int k = 0; k < lanes; ++k) products[k] = 1;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int k = 0; k < lanes; ++k) products[k] *= static_cast<double>(x[i + k]);
  for (; i < n; ++i) products[0] *= static_cast<double>(x[i]);
  for (int half = lanes / 2; half >= 1; half /= 2)
    for (int k = 0; k < half; ++k) products[k] *= products[k + half];
  return products[0];
}

template <typename R>
void combine(float *into, const float *x, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) into[i] = R::combine(into[i], x[i]);
}

}  // namespace

ReduceLoops reduce_loops(Reduction reduction) {
  switch (reduction) {
    case Reduction::max:
      return {row<Max>, combine<Max>};
    case Reduction::min:
      return {row<Min>, combine<Min>};
    case Reduction::prod:
      return {product_row, combine<Product>};
    case Reduction::sum:
      break;
  }
  return {row<Sum>, combine<Sum>};
}

}  // namespace dlc::DLC_ISA
