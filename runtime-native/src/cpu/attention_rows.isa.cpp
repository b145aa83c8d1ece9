// The row loops of attention (attention_rows.h), as plain loops over the branch-free exponential of vmath.h. Rows have
// room for whole steps of 16 and are filled up with scores of no weight, so that no loop ends within a vector. A NaN
// score makes its whole row NaN by way of exp.
#include "attention_rows.h"

#include "lanes.h"
#include "vmath.h"

namespace dlc::DLC_ISA {
namespace {

constexpr int64_t kStep = 16;

inline int64_t whole_steps(int64_t count) {
  return (count + kStep - 1) / kStep * kStep;
}

// Scores as masks leave them: a bias rules out no more than a mask does.
void apply_masks(const AttentionRow &row) {
  float *const s = row.scores;
  if (row.bias != nullptr) {
    const float *const bias = row.bias;
    if (row.bias_step == 0) {
      const float one = *bias < kNeverScore ? kNeverScore : *bias;
      for (int64_t j = 0; j < row.count; ++j) s[j] += one;
    } else {
#pragma GCC ivdep
      for (int64_t j = 0; j < row.count; ++j) s[j] += bias[j] < kNeverScore ? kNeverScore : bias[j];
    }
  }
  if (row.mask != nullptr) {
    const uint8_t *const mask = row.mask;
    if (row.mask_step == 0) {
      if (*mask == 0)
        for (int64_t j = 0; j < row.count; ++j) s[j] = kNeverScore;
    } else {
#pragma GCC ivdep
      for (int64_t j = 0; j < row.count; ++j) s[j] = mask[j] == 0 ? kNeverScore : s[j];
    }
  }
  for (int64_t j = row.allowed < 0 ? 0 : row.allowed; j < row.count; ++j) s[j] = kNeverScore;
  for (int64_t j = row.count; j < whole_steps(row.count); ++j) s[j] = -kInf;
}

// A mask that empties a row leaves no weight in it, where the softmax of equal scores would.
void drop_ruled_out(const AttentionRow &row) {
  float *const p = row.scores;
  if (row.mask != nullptr) {
    const uint8_t *const mask = row.mask;
    if (row.mask_step == 0) {
      if (*mask == 0)
        for (int64_t j = 0; j < row.count; ++j) p[j] = 0;
    } else {
#pragma GCC ivdep
      for (int64_t j = 0; j < row.count; ++j) p[j] = mask[j] == 0 ? 0.0f : p[j];
    }
    for (int64_t j = row.allowed < 0 ? 0 : row.allowed; j < row.count; ++j) p[j] = 0;
  }
  for (int64_t j = row.count; j < row.filled; ++j) p[j] = 0;
}

}  // namespace

float attention_weights(const AttentionRow &row, float *most, float *sum) {
  apply_masks(row);
  float *const s = row.scores;
  const int64_t filled = whole_steps(row.count);
  const auto nothing = [](int64_t, int64_t, int64_t) {};
  Lanes lanes;
  lanes.fill(-kInf);
  each_vector(
      filled, [&](int64_t k, int64_t i) { lanes.v[k] = at(s + i) > lanes.v[k] ? at(s + i) : lanes.v[k]; }, nothing);
  const float here = lanes.most();
  const float top = here > *most ? here : *most;
  for (int64_t i = 0; i < filled; i += kStep) {
#pragma GCC ivdep
    for (int64_t j = i; j < i + kStep; ++j) s[j] = vexp(s[j] - top);
  }
  lanes.fill(0);
  each_vector(
      filled, [&](int64_t k, int64_t i) { lanes.v[k] += at(s + i); }, nothing);
  const float again = *most == top ? 1.0f : vexp(*most - top);
  *sum = *sum * again + lanes.sum();
  *most = top;
  drop_ruled_out(row);
  return again;
}

void attention_weights_again(const AttentionRow &row, float most, float by, float delta, const float *factors,
                             float *dp) {
  apply_masks(row);
  float *const p = row.scores;
  const int64_t filled = whole_steps(row.count);
  for (int64_t i = 0; i < filled; i += kStep) {
#pragma GCC ivdep
    for (int64_t j = i; j < i + kStep; ++j) p[j] = vexp(p[j] - most) * by;
  }
  drop_ruled_out(row);
  for (int64_t i = 0; i < filled; i += kStep) {
    if (factors == nullptr) {
#pragma GCC ivdep
      for (int64_t j = i; j < i + kStep; ++j) dp[j] = p[j] * (dp[j] - delta);
    } else {
#pragma GCC ivdep
      for (int64_t j = i; j < i + kStep; ++j) {
        dp[j] = p[j] * (dp[j] * factors[j] - delta);
        p[j] *= factors[j];
      }
    }
  }
  // A score that a mask replaced has no gradient, whatever its weight.
  if (row.mask != nullptr) {
    if (row.mask_step == 0) {
      if (*row.mask == 0)
        for (int64_t j = 0; j < row.count; ++j) dp[j] = 0;
    } else {
      const uint8_t *const mask = row.mask;
#pragma GCC ivdep
      for (int64_t j = 0; j < row.count; ++j) dp[j] = mask[j] == 0 ? 0.0f : dp[j];
    }
  }
  const int64_t first = row.allowed < row.count ? row.allowed : row.count;
  for (int64_t j = first < 0 ? 0 : first; j < row.filled; ++j) dp[j] = 0;
}

void scale_row(float *x, int64_t count, float by) {
#pragma GCC ivdep
  for (int64_t j = 0; j < count; ++j) x[j] *= by;
}

float dot_row(const float *a, const float *b, int64_t count) {
  Lanes lanes;
  lanes.fill(0);
  each_vector(
      count, [&](int64_t k, int64_t i) { lanes.v[k] += at(a + i) * at(b + i); }, [](int64_t, int64_t, int64_t) {});
  return lanes.sum();
}

}  // namespace dlc::DLC_ISA
