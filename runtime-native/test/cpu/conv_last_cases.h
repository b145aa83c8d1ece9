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

}  // namespace dlc::test
