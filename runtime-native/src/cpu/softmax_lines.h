// Inner loops of the softmax family over lines of classes. Lines either lie in rows (step 1, one line at a time) or
// side by side (any step, up to kMostLines at a time): element c of line j is x[c * step + j]. Logits and
// what is made of them are f32, or bf16, which is widened as it is read and rounded as it is written.
#pragma once

#include <cstdint>

#include "../isa.h"
#include "bf16.h"

namespace dlc {

inline constexpr int kMostLines = 64;

struct Lines {
  const void *x;
  bool narrow;  // bf16
  int64_t classes, step;
  int count;

  // For single elements, outside of the loops.
  float at(int64_t i) const {
    return narrow ? static_cast<const Bf16 *>(x)[i].wide() : static_cast<const float *>(x)[i];
  }
};

DLC_PER_ISA(
    // For each line: the largest element, and the sum of exp(x - largest).
    void line_sums(const Lines &lines, float *most, float *sums);
    // y = exp(x - most) * factor - (weights ? weights[c] : 1) * share, where y lies as x does and may be x
    void exponentials(const Lines &lines, const float *most, const float *factor, const float *weights,
                      const float *share, void *y);
    // line_sums, and what they add up: e[c * lines.count + j] = exp(x - most). e may be x's own memory.
    void line_exponentials(const Lines &lines, float *most, float *sums, float *e);
    // y = e * factor - (weights ? weights[c] : 1) * share, where y lies as x does and may be x or e
    void scale_exponentials(const Lines &lines, const float *e, const float *factor, const float *weights,
                            const float *share, void *y);
    // y = x - offset
    void subtract(const Lines &lines, const float *offset, void *y);)

}  // namespace dlc
