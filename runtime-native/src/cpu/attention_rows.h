// Inner loops of attention over blocks of scores, which lie in scratch in rows of float32: one row for a query, one
// column for a key.
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

// What no query attends to has this score: far below any other, and still a number.
inline constexpr float kNeverScore = -1e30f;

// A row of scores, and what may change them before their exponentials are taken.
struct AttentionRow {
  float *scores;        // in: dot products; out: weights; room for `count` up to a multiple of 16
  int64_t count;        // keys that were multiplied
  int64_t filled;       // zeros are written from count to here
  int64_t allowed;      // keys from here on are later than the query
  const float *bias;    // added, one for each key or (bias_step 0) one for all; or null
  const uint8_t *mask;  // 0 where the query may not attend to the key; or null
  int64_t bias_step, mask_step;
};

DLC_PER_ISA(
    // The next keys of a query: `most` and `sum` go on from those of the keys before (-infinity and 0 at first). The
    // weights are exp(score - most); the result is what earlier ones are to be multiplied by.
    float attention_weights(const AttentionRow &row, float *most, float *sum);
    // The weights again, exp(score - most) * by, and from dp, the gradient of what was multiplied by the values, that
    // of the scores, in its place: weight * (dp - delta). `factors`, where dropout is, multiply dp and then the
    // weights.
    void attention_weights_again(const AttentionRow &row, float most, float by, float delta, const float *factors,
                                 float *dp);
    void scale_row(float *x, int64_t count, float by);
    // The sum of a * b; a multiple of 16.
    float dot_row(const float *a, const float *b, int64_t count);)

}  // namespace dlc
