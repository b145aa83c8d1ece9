// Reductions of rows: 64 lanes over blocks of 1024 values in float, everything above them in double. Of columns: eight
// rows at a time, in float.
#include "reduce_loops.h"

#include "side_by_side.h"
#include "stored.h"

namespace dlc::DLC_ISA {
namespace {

constexpr int kLanes = 64;
constexpr int64_t kBlock = 1024;

struct Sum {
  static constexpr float kStart = 0;
  template <typename T>
  static inline T combine(T a, T b) {
    return a + b;
  }
};
// NaN of either side wins.
struct Max {
  static constexpr float kStart = -kInf;
  template <typename T>
  static inline T combine(T a, T b) {
    return (a > b) | (a != a) ? a : b;
  }
};
struct Min {
  static constexpr float kStart = kInf;
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

template <typename R, typename T>
double row(const T *x, int64_t n) {
  double total = static_cast<double>(R::kStart);
  while (n >= kLanes) {
    const int64_t block = (n < kBlock ? n : kBlock) / kLanes * kLanes;
    float lanes[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = widened(x[lane]);
    for (int64_t i = kLanes; i < block; i += kLanes)
      for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = R::combine(lanes[lane], widened(x[i + lane]));
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
  for (int64_t i = 0; i < n; ++i) total = R::combine(total, static_cast<double>(widened(x[i])));
  return total;
}

// A few factors may leave the range of float though the product does not: all of it is in double.
template <typename T>
double product_row(const T *x, int64_t n) {
  constexpr int lanes = 16;
  double products[lanes];
  for (int k = 0; k < lanes; ++k) products[k] = 1;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int k = 0; k < lanes; ++k) products[k] *= static_cast<double>(widened(x[i + k]));
  for (; i < n; ++i) products[0] *= static_cast<double>(widened(x[i]));
  for (int half = lanes / 2; half >= 1; half /= 2)
    for (int k = 0; k < half; ++k) products[k] *= products[k + half];
  return products[0];
}

// Goes on from what `into` holds.
template <typename R, typename T>
void add_rows(const T *__restrict x, int64_t rows, int64_t pitch, int64_t width, float *__restrict into) {
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    const T *const p = x + r * pitch;
    for (int64_t j = 0; j < width; ++j) {
      const T *const at = p + j;
      const float a = R::combine(widened(at[0]), widened(at[pitch]));
      const float b = R::combine(widened(at[2 * pitch]), widened(at[3 * pitch]));
      const float c = R::combine(widened(at[4 * pitch]), widened(at[5 * pitch]));
      const float d = R::combine(widened(at[6 * pitch]), widened(at[7 * pitch]));
      into[j] = R::combine(into[j], R::combine(R::combine(a, b), R::combine(c, d)));
    }
  }
  for (; r < rows; ++r) {
    const T *const p = x + r * pitch;
    for (int64_t j = 0; j < width; ++j) into[j] = R::combine(into[j], widened(p[j]));
  }
}

template <typename R, typename T>
void columns(const T *x, int64_t rows, int64_t pitch, int64_t width, float *into) {
  for (int64_t j = 0; j < width; ++j) into[j] = R::kStart;
  const int64_t beside = rows_beside(rows, pitch, width);
  if (beside == 1) return add_rows<R>(x, rows, pitch, width, into);
  alignas(64) float wide[kWide];
  const int64_t together = beside * width, whole = rows / beside;
  for (int64_t j = 0; j < together; ++j) wide[j] = R::kStart;
  add_rows<R>(x, whole, together, together, wide);
  fold_beside(wide, width, beside, [](float a, float b) { return R::combine(a, b); });
  for (int64_t j = 0; j < width; ++j) into[j] = wide[j];
  add_rows<R>(x + whole * together, rows - whole * beside, width, width, into);
}

template <typename R>
void collect(double *__restrict totals, const float *__restrict x, int64_t n) {
  for (int64_t j = 0; j < n; ++j) totals[j] = R::combine(totals[j], static_cast<double>(x[j]));
}

template <typename T>
ReduceLoops<T> loops_of(Reduction reduction) {
  switch (reduction) {
    case Reduction::max:
      return {row<Max, T>, columns<Max, T>, collect<Max>};
    case Reduction::min:
      return {row<Min, T>, columns<Min, T>, collect<Min>};
    case Reduction::prod:
      return {product_row<T>, columns<Product, T>, collect<Product>};
    case Reduction::sum:
      break;
  }
  return {row<Sum, T>, columns<Sum, T>, collect<Sum>};
}

}  // namespace

ReduceLoops<float> reduce_loops(Reduction reduction) {
  return loops_of<float>(reduction);
}
ReduceLoops<Bf16> reduce_loops_bf16(Reduction reduction) {
  return loops_of<Bf16>(reduction);
}

}  // namespace dlc::DLC_ISA
