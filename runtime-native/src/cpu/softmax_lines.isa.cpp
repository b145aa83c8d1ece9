// Softmax lines, as plain loops over the branch-free functions of vmath.h. Rows are taken in blocks that stay in the
// first-level cache: widened if they are bf16, then their exponentials, then the sum of these in the lanes of lanes.h.
// A NaN logit makes its whole line NaN by way of exp.
#include "softmax_lines.h"

#include "lanes.h"
#include "vmath.h"

namespace dlc::DLC_ISA {
namespace {

// Elements of a row that are widened, or whose exponentials are made and added up, at a time.
constexpr int64_t kBlock = 512;

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

inline const float *read(const float *x, int64_t, float *) {
  return x;
}
inline const float *read(const Bf16 *x, int64_t count, float *buffer) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) buffer[i] = load(x + i);
  return buffer;
}

template <typename T>
float row_most(const T *x, int64_t classes) {
  alignas(64) float buffer[kBlock];
  Lanes most;
  most.fill(-kInf);
  for (int64_t begin = 0; begin < classes; begin += kBlock) {
    const int64_t count = classes - begin < kBlock ? classes - begin : kBlock;
    const float *from = read(x + begin, count, buffer);
    const auto take = [&](int64_t k, Vec value) { most.v[k] = value > most.v[k] ? value : most.v[k]; };
    each_vector(
        count, [&](int64_t k, int64_t i) { take(k, at(from + i)); },
        [&](int64_t k, int64_t i, int64_t rest) { take(k, padded(from + i, rest, -kInf)); });
  }
  return most.most();
}

// A row that the lanes hold at once, filled up with classes of no weight: no loop ends within a vector. `kept` has room
// for those.
template <typename T>
void short_row_sum(const T *x, int64_t classes, float *most, float *sum, float *kept) {
  constexpr int64_t kStep = 16;
  alignas(64) float values[kLanes], buffer[kLanes];
  const int64_t filled = (classes + kStep - 1) / kStep * kStep;
  for (int64_t i = 0; i < classes; ++i) values[i] = load(x + i);
  for (int64_t i = classes; i < filled; ++i) values[i] = -kInf;
  const auto nothing = [](int64_t, int64_t, int64_t) {};
  Lanes lanes;
  lanes.fill(-kInf);
  each_vector(
      filled, [&](int64_t k, int64_t i) { lanes.v[k] = at(values + i) > lanes.v[k] ? at(values + i) : lanes.v[k]; },
      nothing);
  const float top = lanes.most();
  float *const e = kept == nullptr ? buffer : kept;
  for (int64_t i = 0; i < filled; i += kStep) {
#pragma GCC ivdep
    for (int64_t j = 0; j < kStep; ++j) e[i + j] = vexp(values[i + j] - top);
  }
  lanes.fill(0);
  each_vector(
      filled, [&](int64_t k, int64_t i) { lanes.v[k] += at(e + i); }, nothing);
  *most = top;
  *sum = lanes.sum();
}

// `kept`: where the exponentials are to stay, or null.
template <typename T>
void row_sum(const T *x, int64_t classes, float *most, float *sum, float *kept) {
  if (classes <= kLanes) return short_row_sum(x, classes, most, sum, kept);
  alignas(64) float buffer[kBlock];
  const float top = row_most(x, classes);
  Lanes sums;
  sums.fill(0);
  for (int64_t begin = 0; begin < classes; begin += kBlock) {
    const int64_t count = classes - begin < kBlock ? classes - begin : kBlock;
    float *const e = kept == nullptr ? buffer : kept + begin;
#pragma GCC ivdep
    for (int64_t i = 0; i < count; ++i) e[i] = vexp(load(x + begin + i) - top);
    each_vector(
        count, [&](int64_t k, int64_t i) { sums.v[k] += at(e + i); },
        [&](int64_t k, int64_t i, int64_t rest) { sums.v[k] += padded(e + i, rest, 0); });
  }
  *most = top;
  *sum = sums.sum();
}

template <typename T>
void sums_of(const T *logits, const Lines &lines, float *most, float *sums, float *kept) {
  if (lines.count == 1 && lines.step == 1) {
    row_sum(logits, lines.classes, most, sums, kept);
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
#pragma GCC ivdep
    for (int j = 0; j < lines.count; ++j) {
      const float e = vexp(load(x + j) - most[j]);
      if (kept != nullptr) kept[c * lines.count + j] = e;
      sums[j] += e;
    }
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
void scale_to(const float *e, const Lines &lines, const float *factor, const float *weights, const float *share, T *y) {
  if (lines.count == 1 && lines.step == 1) {
    const float by = *factor, part = *share;
    if (weights == nullptr) {
#pragma GCC ivdep
      for (int64_t c = 0; c < lines.classes; ++c) store(e[c] * by - part, y + c);
    } else {
#pragma GCC ivdep
      for (int64_t c = 0; c < lines.classes; ++c) store(e[c] * by - weights[c] * part, y + c);
    }
    return;
  }
  for (int64_t c = 0; c < lines.classes; ++c) {
    const float weight = weights == nullptr ? 1.0f : weights[c];
    const float *from = e + c * lines.count;
    T *to = y + c * lines.step;
#pragma GCC ivdep
    for (int j = 0; j < lines.count; ++j) store(from[j] * factor[j] - share[j] * weight, to + j);
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
    sums_of(static_cast<const Bf16 *>(lines.x), lines, most, sums, nullptr);
  } else {
    sums_of(static_cast<const float *>(lines.x), lines, most, sums, nullptr);
  }
}

void line_exponentials(const Lines &lines, float *most, float *sums, float *e) {
  if (lines.narrow) {
    sums_of(static_cast<const Bf16 *>(lines.x), lines, most, sums, e);
  } else {
    sums_of(static_cast<const float *>(lines.x), lines, most, sums, e);
  }
}

void scale_exponentials(const Lines &lines, const float *e, const float *factor, const float *weights,
                        const float *share, void *y) {
  if (lines.narrow) {
    scale_to(e, lines, factor, weights, share, static_cast<Bf16 *>(y));
  } else {
    scale_to(e, lines, factor, weights, share, static_cast<float *>(y));
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
