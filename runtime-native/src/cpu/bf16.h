// bfloat16: storage for activations and their gradients. Nothing computes in it.
#pragma once

#include <bit>
#include <cstdint>

namespace dlc {

// The upper half of a float. Files compiled for each instruction set use `bits` alone; the functions are for the rest.
struct Bf16 {
  uint16_t bits;
  float wide() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
  // To nearest, ties to even; NaN stays NaN.
  static Bf16 of(float x) {
    const auto all = std::bit_cast<uint32_t>(x);
    if ((all & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((all >> 16) | 0x40u)};
    return {static_cast<uint16_t>((all + 0x7fffu + ((all >> 16) & 1u)) >> 16)};
  }
};

}  // namespace dlc
