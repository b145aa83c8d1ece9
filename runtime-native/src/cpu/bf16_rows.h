// Runs of bfloat16 to float and back. Kernels widen what they read in blocks that stay in the first-level cache,
// compute in float, and narrow what they write.
#pragma once

#include <cstdint>

#include "../isa.h"
#include "bf16.h"

namespace dlc {

DLC_PER_ISA(void widen(const Bf16 *x, int64_t count, float *y);
            // To nearest, ties to even; NaN stays NaN.
            void narrow(const float *x, int64_t count, Bf16 *y);)

}  // namespace dlc
