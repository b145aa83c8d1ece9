// Runs of bfloat16 to float and back, in integers: denormals keep their digits on every processor.
#include "bf16_rows.h"

#include "vmath.h"

namespace dlc::DLC_ISA {

void widen(const Bf16 *x, int64_t count, float *y) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) y[i] = from_bits(static_cast<int32_t>(static_cast<uint32_t>(x[i].bits) << 16));
}

void narrow(const float *x, int64_t count, Bf16 *y) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) y[i].bits = static_cast<uint16_t>(bf16_of(x[i]) >> 16);
}

}  // namespace dlc::DLC_ISA
