// The row loops of attention (attention_rows.h), as plain loops over the branch-free exponential of vmath.h. A NaN
// score makes its whole row NaN by way of exp.
#include "attention_rows.h"

#include "lanes.h"
#include "vmath.h"

namespace dlc::DLC_ISA {
namespace {

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
  Lanes lanes;
  lanes.fill(-kInf);
  const auto take = [&](int64_t k, Vec value) { lanes.v[k] = value > lanes.v[k] ? value : lanes.v[k]; };
  each_vector(
      row.count, [&](int64_t k, int64_t i) { take(k, at(s + i)); },
      [&](int64_t k, int64_t i, int64_t rest) { take(k, padded(s + i, rest, -kInf)); });
  const float here = lanes.most();
  const float top = here > *most ? here : *most;
  // Whole vectors: what lies behind the row is written anew below.
  const int64_t count = row.count;
#pragma GCC ivdep
  for (int64_t j = 0; j < count; ++j) s[j] = vexp(s[j] - top);
  lanes.fill(0);
  each_vector(
      count, [&](int64_t k, int64_t i) { lanes.v[k] += at(s + i); },
      [&](int64_t k, int64_t i, int64_t rest) { lanes.v[k] += padded(s + i, rest, 0); });
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
  const int64_t count = row.count;
#pragma GCC ivdep
  for (int64_t j = 0; j < count; ++j) p[j] = vexp(p[j] - most) * by;
  drop_ruled_out(row);
  if (factors == nullptr) {
#pragma GCC ivdep
    for (int64_t j = 0; j < count; ++j) dp[j] = p[j] * (dp[j] - delta);
  } else {
#pragma GCC ivdep
    for (int64_t j = 0; j < count; ++j) {
      dp[j] = p[j] * (dp[j] * factors[j] - delta);
      p[j] *= factors[j];
    }
  }
  // A score that a mask replaced has no gradient, whatever its weight.
  if (row.mask != nullptr) {
    if (row.mask_step == 0) {
      if (*row.mask == 0)
        for (int64_t j = 0; j < count; ++j) dp[j] = 0;
    } else {
      const uint8_t *const mask = row.mask;
#pragma GCC ivdep
      for (int64_t j = 0; j < count; ++j) dp[j] = mask[j] == 0 ? 0.0f : dp[j];
    }
  }
  for (int64_t j = row.allowed < 0 ? 0 : row.allowed; j < row.filled; ++j) dp[j] = 0;
  for (int64_t j = count; j < row.filled; ++j) dp[j] = 0;
}

void scale_row(float *x, int64_t count, float by) {
#pragma GCC ivdep
  for (int64_t j = 0; j < count; ++j) x[j] *= by;
}

float dot_row(const float *a, const float *b, int64_t count) {
  Lanes lanes;
  lanes.fill(0);
  each_vector(
      count, [&](int64_t k, int64_t i) { lanes.v[k] += at(a + i) * at(b + i); },
      [&](int64_t k, int64_t i, int64_t rest) { lanes.v[k] += padded(a + i, rest, 0) * padded(b + i, rest, 0); });
  return lanes.sum();
}

}  // namespace dlc::DLC_ISA
