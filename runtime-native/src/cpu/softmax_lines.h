// Inner loops of the softmax family over lines of classes. Lines either lie in rows (step 1, one line at a time) or
// side by side (any step, up to kMostLines at a time): element c of line j is x[c * step + j].
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

inline constexpr int kMostLines = 64;

struct Lines {
  const float *x;
  int64_t classes, step;
  int count;
};

DLC_PER_ISA(
    // For each line: the largest element, and the sum of exp(x - largest).
    void line_sums(const Lines &lines, float *most, float *sums);
    // y = exp(x - most) * factor - (weights ? weights[c] : 1) * share
    void exponentials(const Lines &lines, const float *most, const float *factor, const float *weights,
                      const float *share, float *y);
    // y = x - offset
    void subtract(const Lines &lines, const float *offset, float *y);)

}  // namespace dlc
