// Points in images and the pixels around them. Places are counted in floats, which hold every whole number up to 2^24;
// what lies farther than 2^22 pixels away, or is no number, is moved there first.
#include "image_sampling.h"

namespace dlc::DLC_ISA {
namespace {

constexpr float kFarthest = 4194304.0f;
// Adding 1.5 * 2^23 rounds to an integer, halves to the even one.
constexpr float kRound = 12582912.0f;

inline float held(float x) {
  const float low = x > -kFarthest ? x : -kFarthest;
  return low < kFarthest ? low : kFarthest;
}

// The pixel of one axis that stands at place i, and whether there is one.
template <SampleBorder border>
inline float place(float i, float extent, float &inside) {
  float at = i;
  if constexpr (border == SampleBorder::constant) {
    const float above = i >= 0.0f ? 1.0f : 0.0f, below = i < extent ? 1.0f : 0.0f;
    inside *= above * below;
  } else if constexpr (border != SampleBorder::edge) {
    float period = extent;
    if constexpr (border == SampleBorder::symmetric) period = 2.0f * extent;
    if constexpr (border == SampleBorder::reflect) period = extent > 1.0f ? 2.0f * extent - 2.0f : 1.0f;
    at = i - period * __builtin_floorf(i / period);
    if constexpr (border == SampleBorder::symmetric) at = at < extent ? at : period - 1.0f - at;
    if constexpr (border == SampleBorder::reflect) at = at < extent ? at : period - at;
  }
  at = at > 0.0f ? at : 0.0f;
  return at < extent - 1.0f ? at : extent - 1.0f;
}

template <SampleBorder border>
void taps_of(const SampleImage &image, const float *x, const float *y, int64_t count, SampleTaps &taps) {
  const float height = static_cast<float>(image.height), width = static_cast<float>(image.width);
  const auto pitch = static_cast<int32_t>(image.width);
  const float value = image.value;
#pragma GCC ivdep
  for (int64_t k = 0; k < count; ++k) {
    const float px = held(x[k]), py = held(y[k]);
    const float left = __builtin_floorf(px), top = __builtin_floorf(py);
    const float fx = px - left, fy = py - top;
    float in_left = 1.0f, in_right = 1.0f, in_top = 1.0f, in_bottom = 1.0f;
    const auto column0 = static_cast<int32_t>(place<border>(left, width, in_left));
    const auto column1 = static_cast<int32_t>(place<border>(left + 1.0f, width, in_right));
    const auto row0 = static_cast<int32_t>(place<border>(top, height, in_top));
    const auto row1 = static_cast<int32_t>(place<border>(top + 1.0f, height, in_bottom));
    taps.index[0][k] = row0 * pitch + column0;
    taps.index[1][k] = row0 * pitch + column1;
    taps.index[2][k] = row1 * pitch + column0;
    taps.index[3][k] = row1 * pitch + column1;
    taps.inside[0][k] = in_top * in_left;
    taps.inside[1][k] = in_top * in_right;
    taps.inside[2][k] = in_bottom * in_left;
    taps.inside[3][k] = in_bottom * in_right;
    const float across = in_left * (1.0f - fx) + in_right * fx, down = in_top * (1.0f - fy) + in_bottom * fy;
    taps.weight[0][k] = in_top * in_left * (1.0f - fy) * (1.0f - fx);
    taps.weight[1][k] = in_top * in_right * (1.0f - fy) * fx;
    taps.weight[2][k] = in_bottom * in_left * fy * (1.0f - fx);
    taps.weight[3][k] = in_bottom * in_right * fy * fx;
    taps.base[k] = value * (1.0f - across * down);
    taps.fx[k] = fx;
    taps.fy[k] = fy;
  }
}

template <SampleBorder border>
void nearest_of(const SampleImage &image, const float *x, const float *y, int64_t count, int32_t *index) {
  const float height = static_cast<float>(image.height), width = static_cast<float>(image.width);
  const auto pitch = static_cast<int32_t>(image.width);
#pragma GCC ivdep
  for (int64_t k = 0; k < count; ++k) {
    float inside = 1.0f;
    const auto column = static_cast<int32_t>(place<border>(held(x[k]) + kRound - kRound, width, inside));
    const auto row = static_cast<int32_t>(place<border>(held(y[k]) + kRound - kRound, height, inside));
    const int32_t at = row * pitch + column;
    index[k] = inside > 0.0f ? at : -1;
  }
}

}  // namespace

void sample_map(const float *t, int64_t row, int64_t first, int64_t count, float *x, float *y) {
  const float i = static_cast<float>(row);
  const float t0 = t[0], t3 = t[3], x0 = t[1] * i + t[2], y0 = t[4] * i + t[5];
  for (int64_t k = 0; k < count; ++k) {
    const float j = static_cast<float>(static_cast<int32_t>(first + k));
    x[k] = t0 * j + x0;
    y[k] = t3 * j + y0;
  }
}

void sample_pairs(const float *pairs, int64_t count, float *x, float *y) {
  for (int64_t k = 0; k < count; ++k) {
    x[k] = pairs[2 * k];
    y[k] = pairs[2 * k + 1];
  }
}

void sample_taps(const SampleImage &image, const float *x, const float *y, int64_t count, SampleTaps &taps) {
  switch (image.border) {
    case SampleBorder::constant:
      return taps_of<SampleBorder::constant>(image, x, y, count, taps);
    case SampleBorder::edge:
      return taps_of<SampleBorder::edge>(image, x, y, count, taps);
    case SampleBorder::reflect:
      return taps_of<SampleBorder::reflect>(image, x, y, count, taps);
    case SampleBorder::symmetric:
      return taps_of<SampleBorder::symmetric>(image, x, y, count, taps);
    case SampleBorder::wrap:
      return taps_of<SampleBorder::wrap>(image, x, y, count, taps);
  }
}

void sample_nearest(const SampleImage &image, const float *x, const float *y, int64_t count, int32_t *index) {
  switch (image.border) {
    case SampleBorder::constant:
      return nearest_of<SampleBorder::constant>(image, x, y, count, index);
    case SampleBorder::edge:
      return nearest_of<SampleBorder::edge>(image, x, y, count, index);
    case SampleBorder::reflect:
      return nearest_of<SampleBorder::reflect>(image, x, y, count, index);
    case SampleBorder::symmetric:
      return nearest_of<SampleBorder::symmetric>(image, x, y, count, index);
    case SampleBorder::wrap:
      return nearest_of<SampleBorder::wrap>(image, x, y, count, index);
  }
}

void sample_mix(const float *plane, const SampleTaps &taps, int64_t count, float *y) {
#pragma GCC ivdep
  for (int64_t k = 0; k < count; ++k) {
    float sum = taps.base[k];
    for (int t = 0; t < 4; ++t) {
      const float w = taps.weight[t][k], v = plane[taps.index[t][k]];
      sum += w != 0.0f ? w * v : 0.0f;
    }
    y[k] = sum;
  }
}

void sample_slopes(const float *plane, const SampleTaps &taps, float value, const float *g, int64_t count,
                   float *along_x, float *along_y) {
#pragma GCC ivdep
  for (int64_t k = 0; k < count; ++k) {
    float v[4];
    for (int t = 0; t < 4; ++t) {
      const float pixel = plane[taps.index[t][k]];
      v[t] = taps.inside[t][k] > 0.0f ? pixel : value;
    }
    const float fx = taps.fx[k], fy = taps.fy[k];
    along_x[k] += g[k] * ((1.0f - fy) * (v[1] - v[0]) + fy * (v[3] - v[2]));
    along_y[k] += g[k] * ((1.0f - fx) * (v[2] - v[0]) + fx * (v[3] - v[1]));
  }
}

}  // namespace dlc::DLC_ISA
