// Softmax lines, as plain loops over the branch-free functions of vmath.h. Sums run in sixteen interleaved lanes: one
// order on every processor. A NaN logit makes its whole line NaN by way of exp.
#include "softmax_lines.h"

#include "vmath.h"

namespace dlc::DLC_ISA {
namespace {

constexpr int64_t kLanes = 16;

inline float load(const float *x) {
  return *x;
}
inline float load(const Bf16 *x) {
  return from_bits(static_cast<int32_t>(static_cast<uint32_t>(x->bits) << 16));
}
inline void store(float value, float *y) {
  *y = value;
}
inline void store(float value, Bf16 *y) {
  y->bits = static_cast<uint16_t>(bf16_of(value) >> 16);
}

template <typename T>
void row_sum(const T *x, int64_t classes, float *most, float *sum) {
  const int64_t whole = classes / kLanes * kLanes;
  float lanes[kLanes];
  for (int64_t j = 0; j < kLanes; ++j) lanes[j] = -kInf;
  for (int64_t c = 0; c < whole; c += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] = load(x + c + j) > lanes[j] ? load(x + c + j) : lanes[j];
  }
  float top = -kInf;
  for (int64_t j = 0; j < kLanes; ++j) top = lanes[j] > top ? lanes[j] : top;
  for (int64_t c = whole; c < classes; ++c) top = load(x + c) > top ? load(x + c) : top;

  for (int64_t j = 0; j < kLanes; ++j) lanes[j] = 0;
  for (int64_t c = 0; c < whole; c += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += vexp(load(x + c + j) - top);
  }
  for (int64_t j = 0; j < classes - whole; ++j) lanes[j] += vexp(load(x + whole + j) - top);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  *most = top;
  *sum = lanes[0];
}

template <typename T>
void sums_of(const T *logits, const Lines &lines, float *most, float *sums) {
  if (lines.count == 1 && lines.step == 1) {
    row_sum(logits, lines.classes, most, sums);
    return;
  }
  for (int j = 0; j < lines.count; ++j) {
    most[j] = -kInf;
    sums[j] = 0;
  }
  for (int64_t c = 0; c < lines.classes; ++c) {
    const T *x = logits + c * lines.step;
    for (int j = 0; j < lines.count; ++j) most[j] = load(x + j) > most[j] ? load(x + j) : most[j];
  }
  for (int64_t c = 0; c < lines.classes; ++c) {
    const T *x = logits + c * lines.step;
    for (int j = 0; j < lines.count; ++j) sums[j] += vexp(load(x + j) - most[j]);
  }
}

// y is x or apart from it, so no element depends on another.
template <typename T>
void exponentials_of(const T *logits, const Lines &lines, const float *most, const float *factor, const float *weights,
                     const float *share, T *y) {
  if (lines.count == 1 && lines.step == 1) {
    const float top = *most, by = *factor, part = *share;
    if (weights == nullptr) {
#pragma GCC ivdep
      for (int64_t c = 0; c < lines.classes; ++c) store(vexp(load(logits + c) - top) * by - part, y + c);
    } else {
#pragma GCC ivdep
      for (int64_t c = 0; c < lines.classes; ++c) store(vexp(load(logits + c) - top) * by - weights[c] * part, y + c);
    }
    return;
  }
  for (int64_t c = 0; c < lines.classes; ++c) {
    const float weight = weights == nullptr ? 1.0f : weights[c];
    const T *x = logits + c * lines.step;
    T *to = y + c * lines.step;
#pragma GCC ivdep
    for (int j = 0; j < lines.count; ++j) store(vexp(load(x + j) - most[j]) * factor[j] - share[j] * weight, to + j);
  }
}

template <typename T>
void subtract_from(const T *logits, const Lines &lines, const float *offset, T *y) {
  if (lines.count == 1 && lines.step == 1) {
    const float by = *offset;
#pragma GCC ivdep
    for (int64_t c = 0; c < lines.classes; ++c) store(load(logits + c) - by, y + c);
    return;
  }
  for (int64_t c = 0; c < lines.classes; ++c) {
    const int64_t at = c * lines.step;
#pragma GCC ivdep
    for (int j = 0; j < lines.count; ++j) store(load(logits + at + j) - offset[j], y + at + j);
  }
}

}  // namespace

void line_sums(const Lines &lines, float *most, float *sums) {
  if (lines.narrow) {
    sums_of(static_cast<const Bf16 *>(lines.x), lines, most, sums);
  } else {
    sums_of(static_cast<const float *>(lines.x), lines, most, sums);
  }
}

void exponentials(const Lines &lines, const float *most, const float *factor, const float *weights, const float *share,
                  void *y) {
  if (lines.narrow) {
    exponentials_of(static_cast<const Bf16 *>(lines.x), lines, most, factor, weights, share, static_cast<Bf16 *>(y));
  } else {
    exponentials_of(static_cast<const float *>(lines.x), lines, most, factor, weights, share, static_cast<float *>(y));
  }
}

void subtract(const Lines &lines, const float *offset, void *y) {
  if (lines.narrow) {
    subtract_from(static_cast<const Bf16 *>(lines.x), lines, offset, static_cast<Bf16 *>(y));
  } else {
    subtract_from(static_cast<const float *>(lines.x), lines, offset, static_cast<float *>(y));
  }
}

}  // namespace dlc::DLC_ISA
