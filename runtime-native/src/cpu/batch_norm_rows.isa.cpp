// Loops of batch_norm_rows.h. Rows that touch are taken side by side, several at a time.
#include "batch_norm_rows.h"

#include "side_by_side.h"
#include "stored.h"

namespace dlc::DLC_ISA {
namespace {

inline float add(float a, float b) {
  return a + b;
}

template <typename T>
void add_squares(const T *__restrict x, int64_t rows, int64_t pitch, int64_t width, const float *__restrict mean,
                 float *__restrict squares) {
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    const T *const p = x + r * pitch;
    for (int64_t j = 0; j < width; ++j) {
      const T *const at = p + j;
      const float m = mean[j];
      const float a = widened(at[0]) - m, b = widened(at[pitch]) - m;
      const float c = widened(at[2 * pitch]) - m, d = widened(at[3 * pitch]) - m;
      const float e = widened(at[4 * pitch]) - m, f = widened(at[5 * pitch]) - m;
      const float g = widened(at[6 * pitch]) - m, h = widened(at[7 * pitch]) - m;
      squares[j] += ((a * a + b * b) + (c * c + d * d)) + ((e * e + f * f) + (g * g + h * h));
    }
  }
  for (; r < rows; ++r) {
    const T *const p = x + r * pitch;
    for (int64_t j = 0; j < width; ++j) squares[j] += (widened(p[j]) - mean[j]) * (widened(p[j]) - mean[j]);
  }
}

template <typename T>
void squares_of(const T *x, int64_t rows, int64_t pitch, int64_t width, const float *mean, float *squares) {
  for (int64_t j = 0; j < width; ++j) squares[j] = 0;
  const int64_t beside = rows_beside(rows, pitch, width);
  if (beside == 1) return add_squares(x, rows, pitch, width, mean, squares);
  alignas(64) float means[kWide] = {}, wide[kWide];
  const int64_t together = beside * width, whole = rows / beside;
  repeat(mean, width, beside, means);
  for (int64_t j = 0; j < together; ++j) wide[j] = 0;
  add_squares(x, whole, together, together, means, wide);
  fold_beside(wide, width, beside, add);
  for (int64_t j = 0; j < width; ++j) squares[j] = wide[j];
  add_squares(x + whole * together, rows - whole * beside, width, width, mean, squares);
}

template <typename D, typename T>
void add_products(const D *__restrict dy, int64_t dy_pitch, const T *__restrict x, int64_t rows, int64_t pitch,
                  int64_t width, const float *__restrict mean, float *__restrict sums, float *__restrict products) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const D *const q = dy + r * dy_pitch;
    const T *const p = x + r * pitch;
    for (int64_t j = 0; j < width; ++j) {
      const D *const from = q + j;
      const T *const at = p + j;
      const float m = mean[j];
      const float a = widened(from[0]), b = widened(from[dy_pitch]);
      const float c = widened(from[2 * dy_pitch]), d = widened(from[3 * dy_pitch]);
      sums[j] += (a + b) + (c + d);
      products[j] += (a * (widened(at[0]) - m) + b * (widened(at[pitch]) - m)) +
                     (c * (widened(at[2 * pitch]) - m) + d * (widened(at[3 * pitch]) - m));
    }
  }
  for (; r < rows; ++r) {
    const D *const q = dy + r * dy_pitch;
    const T *const p = x + r * pitch;
    for (int64_t j = 0; j < width; ++j) {
      sums[j] += widened(q[j]);
      products[j] += widened(q[j]) * (widened(p[j]) - mean[j]);
    }
  }
}

template <typename D, typename T>
void made_products_of(const D *dy, int64_t dy_pitch, const T *x, int64_t rows, int64_t pitch, int64_t width,
                      const float *mean, float *sums, float *products) {
  for (int64_t j = 0; j < width; ++j) sums[j] = products[j] = 0;
  const int64_t beside = dy_pitch == pitch ? rows_beside(rows, pitch, width) : 1;
  if (beside == 1) return add_products(dy, dy_pitch, x, rows, pitch, width, mean, sums, products);
  alignas(64) float means[kWide] = {}, wide_sums[kWide], wide_products[kWide];
  const int64_t together = beside * width, whole = rows / beside;
  repeat(mean, width, beside, means);
  for (int64_t j = 0; j < together; ++j) wide_sums[j] = wide_products[j] = 0;
  add_products(dy, together, x, whole, together, together, means, wide_sums, wide_products);
  fold_beside(wide_sums, width, beside, add);
  fold_beside(wide_products, width, beside, add);
  for (int64_t j = 0; j < width; ++j) sums[j] = wide_sums[j], products[j] = wide_products[j];
  add_products(dy + whole * together, width, x + whole * together, rows - whole * beside, width, width, mean, sums,
               products);
}

template <typename T>
void products_of(const T *dy, const T *x, int64_t rows, int64_t pitch, int64_t width, const float *mean, float *sums,
                 float *products) {
  made_products_of(dy, pitch, x, rows, pitch, width, mean, sums, products);
}

template <typename T, typename Y>
void scale_block(const T *__restrict x, const float *__restrict scale, const float *__restrict shift, int64_t count,
                 Y *__restrict y) {
  for (int64_t i = 0; i < count; ++i) store(widened(x[i]) * scale[i] + shift[i], y + i);
}

template <typename T>
void blend_block(const T *dy, const T *x, const float *a, const float *b, const float *c, int64_t count, T *dx) {
  // dx is dy or apart from it, so no element depends on another.
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) store(widened(dy[i]) * a[i] + (widened(x[i]) * b[i] + c[i]), dx + i);
}

template <typename T>
BatchNormRows<T> rows_of() {
  return {squares_of<T>,     products_of<T>,        made_products_of<float, T>,
          scale_block<T, T>, scale_block<T, float>, blend_block<T>};
}

}  // namespace

BatchNormRows<float> batch_norm_rows() {
  return rows_of<float>();
}
BatchNormRows<Bf16> batch_norm_rows_bf16() {
  return rows_of<Bf16>();
}

void add_moments(double *__restrict mean, double *__restrict squares, double count, const float *__restrict more_sums,
                 const float *__restrict more_squares, double more, int64_t width) {
  const double both = count + more, share = more / both, weight = count * share;
  for (int64_t j = 0; j < width; ++j) {
    const double delta = static_cast<double>(more_sums[j]) / more - mean[j];
    mean[j] += delta * share;
    squares[j] += static_cast<double>(more_squares[j]) + delta * delta * weight;
  }
}

}  // namespace dlc::DLC_ISA
