// Inner loops of max pooling where the channels of images are planes of their own.
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

// Lines of outputs whose windows lie inside the image: output o of line l looks at x[l * line_step + r * pitch + o *
// stride + s] for r in [0, rows), s in [0, taps), and lies at l * out_pitch + o. `at` is the index of x[0] in its
// plane.
struct MaxLines {
  const float *x;
  int64_t pitch, rows, taps, stride;
  int64_t lines, count, line_step, out_pitch;
  int32_t at;
};

DLC_PER_ISA(
    // The first maximum of each window; a NaN is greater than every number. best or index may be null.
    void max_lines(const MaxLines &lines, float *best, int32_t *index);
    // best and index go on over x[0..count)
    void max_run(const float *x, int64_t count, int32_t at, float *best, int32_t *index);)

}  // namespace dlc
