// Elements as they lie in memory, float or bfloat16, as the floats that loops compute with. Included by *.isa.cpp files
// only (everything is static to its file).
#pragma once

#include "bf16.h"
#include "vmath.h"

namespace {

inline float widened(float x) {
  return x;
}
inline float widened(dlc::Bf16 x) {
  return from_bits(static_cast<int32_t>(static_cast<uint32_t>(x.bits) << 16));
}
inline void store(float x, float *to) {
  *to = x;
}
// To nearest, ties to even; NaN stays NaN.
inline void store(float x, dlc::Bf16 *to) {
  to->bits = static_cast<uint16_t>(bf16_of(x) >> 16);
}

}  // namespace
