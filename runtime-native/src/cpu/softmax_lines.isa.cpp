// Softmax lines, as plain loops over the branch-free functions of vmath.h. Sums run in sixteen interleaved lanes: one
// order on every processor. A NaN logit makes its whole line NaN by way of exp.
#include "softmax_lines.h"

#include "vmath.h"

namespace dlc::DLC_ISA {
namespace {

constexpr int64_t kLanes = 16;

void row_sum(const float *x, int64_t classes, float *most, float *sum) {
  const int64_t whole = classes / kLanes * kLanes;
  float lanes[kLanes];
  for (int64_t j = 0; j < kLanes; ++j) lanes[j] = -kInf;
  for (int64_t c = 0; c < whole; c += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] = x[c + j] > lanes[j] ? x[c + j] : lanes[j];
  }
  float top = -kInf;
  for (int64_t j = 0; j < kLanes; ++j) top = lanes[j] > top ? lanes[j] : top;
  for (int64_t c = whole; c < classes; ++c) top = x[c] > top ? x[c] : top;

  for (int64_t j = 0; j < kLanes; ++j) lanes[j] = 0;
  for (int64_t c = 0; c < whole; c += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += vexp(x[c + j] - top);
  }
  for (int64_t j = 0; j < classes - whole; ++j) lanes[j] += vexp(x[whole + j] - top);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  *most = top;
  *sum = lanes[0];
}

}  // namespace

void line_sums(const Lines &lines, float *most, float *sums) {
  if (lines.count == 1 && lines.step == 1) {
    row_sum(lines.x, lines.classes, most, sums);
    return;
  }
  for (int j = 0; j < lines.count; ++j) {
    most[j] = -kInf;
    sums[j] = 0;
  }
  for (int64_t c = 0; c < lines.classes; ++c) {
    const float *x = lines.x + c * lines.step;
    for (int j = 0; j < lines.count; ++j) most[j] = x[j] > most[j] ? x[j] : most[j];
  }
  for (int64_t c = 0; c < lines.classes; ++c) {
    const float *x = lines.x + c * lines.step;
    for (int j = 0; j < lines.count; ++j) sums[j] += vexp(x[j] - most[j]);
  }
}

void exponentials(const Lines &lines, const float *most, const float *factor, const float *weights, const float *share,
                  float *y) {
  if (lines.count == 1 && lines.step == 1) {
    const float top = *most, by = *factor, part = *share;
    if (weights == nullptr) {
      for (int64_t c = 0; c < lines.classes; ++c) y[c] = vexp(lines.x[c] - top) * by - part;
    } else {
      for (int64_t c = 0; c < lines.classes; ++c) y[c] = vexp(lines.x[c] - top) * by - weights[c] * part;
    }
    return;
  }
  for (int64_t c = 0; c < lines.classes; ++c) {
    const float weight = weights == nullptr ? 1.0f : weights[c];
    const float *x = lines.x + c * lines.step;
    float *to = y + c * lines.step;
    for (int j = 0; j < lines.count; ++j) to[j] = vexp(x[j] - most[j]) * factor[j] - share[j] * weight;
  }
}

void subtract(const Lines &lines, const float *offset, float *y) {
  if (lines.count == 1 && lines.step == 1) {
    for (int64_t c = 0; c < lines.classes; ++c) y[c] = lines.x[c] - *offset;
    return;
  }
  for (int64_t c = 0; c < lines.classes; ++c) {
    for (int j = 0; j < lines.count; ++j) y[c * lines.step + j] = lines.x[c * lines.step + j] - offset[j];
  }
}

}  // namespace dlc::DLC_ISA
