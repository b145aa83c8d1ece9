// The inner loop of norms.
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

// The sum of x^2: in double, in 16 lanes that are added in order. Squares of floats are exact in double.
DLC_PER_ISA(double sum_of_squares(const float *x, int64_t count);)

}  // namespace dlc
