// Philox4x32-10, the counter-based generator behind every random number (docs/architecture.md): key (seed low, seed
// high), counter (block, attempt, stream, step).
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

struct PhiloxStream {
  uint32_t key[2];
  uint32_t stream;
  uint32_t step;
};

// Each function draws for elements [begin, begin + count); begin is a multiple of 4.
DLC_PER_ISA(
    // u in [0, 1), 24 bits: low + (high - low) u. The flag means nothing.
    void philox_uniform(const PhiloxStream &at, int64_t begin, int64_t count, float low, float high, bool, float *dst);
    // z = sqrt(-2 ln u) cos(2 pi v): mean + std z. `truncated` draws again beyond two standard deviations.
    void philox_normal(const PhiloxStream &at, int64_t begin, int64_t count, float mean, float std, bool truncated,
                       float *dst);
    // dst = src * scale where the 24 bits of the element's uniform draw are at least `least`, else 0. dst may be src.
    void philox_dropout(const PhiloxStream &at, int64_t begin, int64_t count, uint32_t least, float scale,
                        const float *src, float *dst);)

// One block, plainly: for tests and rare draws.
void philox_block(const PhiloxStream &at, uint32_t block, uint32_t attempt, uint32_t lanes[4]);

}  // namespace dlc
