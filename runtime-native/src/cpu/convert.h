// Values of one dtype as values of another, and the C++ type of each dtype.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "../kernel.h"
#include "bf16.h"

namespace dlc {

// A bool is a byte of 0 or 1; it has its own type so that conversions to it can differ from those to u8.
struct Bool {
  uint8_t byte;
};

// To an integer: truncated, held at the ends of the range, NaN to 0. To bool: unequal to 0.
template <typename D, typename S>
inline D convert(S value) {
  if constexpr (std::is_same_v<S, D>) {
    return value;
  } else if constexpr (std::is_same_v<S, Bool>) {
    return convert<D>(static_cast<uint8_t>(value.byte != 0));
  } else if constexpr (std::is_same_v<S, Bf16>) {
    return convert<D>(value.wide());
  } else if constexpr (std::is_same_v<D, Bool>) {
    return {static_cast<uint8_t>(value != 0)};
  } else if constexpr (std::is_same_v<D, Bf16>) {
    return Bf16::of(static_cast<float>(value));
  } else if constexpr (std::is_floating_point_v<D>) {
    return static_cast<D>(value);
  } else if constexpr (std::is_floating_point_v<S>) {
    // 2^bits is exact in S where the largest integer may not be.
    constexpr S beyond = static_cast<S>(std::numeric_limits<D>::max() / 2 + 1) * 2;
    if (value != value) return 0;
    if (value >= beyond) return std::numeric_limits<D>::max();
    if (value <= static_cast<S>(std::numeric_limits<D>::min())) return std::numeric_limits<D>::min();
    return static_cast<D>(value);
  } else {
    if (value < 0 && static_cast<int64_t>(value) < static_cast<int64_t>(std::numeric_limits<D>::min()))
      return std::numeric_limits<D>::min();
    if (value > 0 && static_cast<int64_t>(value) > static_cast<int64_t>(std::numeric_limits<D>::max()))
      return std::numeric_limits<D>::max();
    return static_cast<D>(value);
  }
}

// Calls f with a null pointer of the dtype's C++ type.
template <typename F>
auto with_type(dlc_dtype dtype, F f) {
  switch (dtype) {
    case DLC_F64:
      return f(static_cast<double *>(nullptr));
    case DLC_BF16:
      return f(static_cast<Bf16 *>(nullptr));
    case DLC_U8:
      return f(static_cast<uint8_t *>(nullptr));
    case DLC_I32:
      return f(static_cast<int32_t *>(nullptr));
    case DLC_I64:
      return f(static_cast<int64_t *>(nullptr));
    case DLC_BOOL:
      return f(static_cast<Bool *>(nullptr));
    case DLC_F32:
      break;
  }
  return f(static_cast<float *>(nullptr));
}

}  // namespace dlc
