// Shapes and places of channels-last images, for tests that count by the logical ones.
#pragma once

#include "conv_cases.h"

namespace dlc::test {

inline Axes last_shape(int64_t n, int64_t channels, const Axes &spatial) {
  Axes shape = {n};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  shape.push_back(channels);
  return shape;
}

// Where element `flat` of [N, C, plane] is in [N, plane, C].
inline size_t turned(size_t flat, int64_t channels, int64_t plane) {
  const auto c = static_cast<size_t>(channels), p = static_cast<size_t>(plane);
  return flat / (c * p) * c * p + flat % p * c + flat / p % c;
}

// The rule of compiler/ops/families/winograd.ts for a convolution of float32 that gives `outputs` channels of
// `extents`.
inline bool is_winograd(const Case &c, int64_t outputs, int64_t sums, const Axes &extents, bool packed_apart = false) {
  const size_t axes = c.axes();
  if (axes < 2 || c.groups != 1 || outputs % 16 != 0 || sums % 16 != 0) return false;
  int64_t tiles = 1;
  for (size_t i = 0; i < axes; ++i) {
    const bool plane = i + 2 >= axes;
    if (c.kernel[i] != (plane ? 3 : 1) || c.stride[i] != 1 || c.dilation[i] != 1) return false;
    if (plane ? c.low[i] > 2 || c.high[i] > 2 : c.low[i] + c.high[i] > 0) return false;
    tiles *= plane ? (extents[i] + 3) / 4 : extents[i];
  }
  return outputs * sums <= 65536 && std::max(outputs, sums) <= 1024 && 160 * tiles <= 16 * product(extents) &&
         (packed_apart ? 16 : 4) * c.n * tiles >= std::max(outputs, sums);
}

}  // namespace dlc::test
