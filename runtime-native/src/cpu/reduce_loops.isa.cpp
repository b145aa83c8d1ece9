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

template <typename R>
double row(const float *x, int64_t n) {
  double total = static_cast<double>(R::kStart);
  while (n >= kLanes) {
    const int64_t block = (n < kBlock ? n : kBlock) / kLanes * kLanes;
    float lanes[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = x[lane];
    for (int64_t i = kLanes; i < block; i += kLanes)
      for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = R::combine(lanes[lane], x[i + lane]);
    double sums[8];
    for (int k = 0; k < 8; ++k) sums[k] = static_cast<double>(lanes[k]);
    for (int lane = 8; lane < kLanes; ++lane)
      sums[lane % 8] = R::combine(sums[lane % 8], static_cast<double>(lanes[lane]));
    for (int k = 0; k < 8; ++k) total = R::combine(total, sums[k]);
    x += block;
    n -= block;
  }
  for (int64_t i = 0; i < n; ++i) total = R::combine(total, static_cast<double>(x[i]));
  return total;
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
    case Reduction::sum:
      break;
  }
  return {row<Sum>, combine<Sum>};
}

}  // namespace dlc::DLC_ISA
