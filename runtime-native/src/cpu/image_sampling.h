// The inner loops of sample_image and its gradients, for each instruction set: where the points of a run lie, which
// pixels they mix, and the mixing.
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

// Points of one run: what they need fits into the first-level cache.
constexpr int64_t kSampleRun = 128;

enum class SampleBorder { constant, edge, reflect, symmetric, wrap };

struct SampleImage {
  int64_t height, width;
  SampleBorder border;
  float value;
};

// The pixels around each point, upper left, upper right, lower left, lower right: places in the plane, whether they are
// pixels at all (1) or beyond a constant border (0), and their shares.
struct SampleTaps {
  int32_t index[4][kSampleRun];
  float inside[4][kSampleRun];
  float weight[4][kSampleRun];  // 0 where not inside
  float base[kSampleRun];       // what the border adds
  float fx[kSampleRun], fy[kSampleRun];
};

DLC_PER_ISA(
    // x[k], y[k] of the places (first + k, row) of an output under the map t of six numbers.
    void sample_map(const float *t, int64_t row, int64_t first, int64_t count, float *x, float *y);
    // The same from a list of pairs.
    void sample_pairs(const float *pairs, int64_t count, float *x, float *y);
    void sample_taps(const SampleImage &image, const float *x, const float *y, int64_t count, SampleTaps &taps);
    // The nearest pixel of each point, -1 beyond a constant border.
    void sample_nearest(const SampleImage &image, const float *x, const float *y, int64_t count, int32_t *index);
    // y[k] = base[k] + the sum of weight[t][k] * plane[index[t][k]]; a weight of 0 reads nothing.
    void sample_mix(const float *plane, const SampleTaps &taps, int64_t count, float *y);
    // Adds g[k] times the slopes at point k.
    void sample_slopes(const float *plane, const SampleTaps &taps, float value, const float *g, int64_t count,
                       float *along_x, float *along_y);)

}  // namespace dlc
