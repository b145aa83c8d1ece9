// Pairs of rows of channels-last depthwise 3x3 convolutions of stride 1: a block of 2x4 outputs takes 24 loads where
// single pixels take 72, and its nine weights stay in registers along the row.
#include "conv_last_depthwise_elements.h"

namespace dlc::DLC_ISA {

#if defined(__AVX512F__)

namespace {

constexpr int kColumns = 4, kTaps = 3;

// Outputs [column, column + 4) of `Rows` rows. Edge: some of what they read lies beside the image.
template <typename Element, int Rows, bool Edge, bool Part>
inline __attribute__((always_inline)) void pair_block(const DepthwiseLastPair &pair, const Vec *weights,
                                                      const Vec &bias, int64_t column, int64_t channel) {
  using Type = typename Element::Type;
  const int64_t channels = pair.end - channel, first = column - pair.low;
  Vec sums[Rows][kColumns];
#pragma GCC unroll 2
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kColumns; ++j) sums[i][j] = bias;
  }
#pragma GCC unroll 4
  for (int r = 0; r < Rows + kTaps - 1; ++r) {
    if (pair.x[r] == nullptr) continue;
    const Type *from = static_cast<const Type *>(pair.x[r]) + first * pair.pitch + channel;
#pragma GCC unroll 6
    for (int c = 0; c < kColumns + kTaps - 1; ++c) {
      if (Edge && (first + c < 0 || first + c >= pair.width)) continue;
      Vec value;
      load<Element, Part>(from + c * pair.pitch, channels, value);
#pragma GCC unroll 2
      for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < kColumns; ++j) {
          const int down = r - i, across = c - j;
          if (down < 0 || down >= kTaps || across < 0 || across >= kTaps) continue;
          sums[i][j] += weights[down * kTaps + across] * value;
        }
      }
    }
  }
#pragma GCC unroll 2
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kColumns; ++j) {
      finish<Element, Part>(pair.end_of_sum[i], sums[i][j], (column + j) * pair.pitch + channel, channels,
                            static_cast<Type *>(pair.y[i]));
    }
  }
}

template <typename Element, int Rows, bool Part>
inline __attribute__((always_inline)) void pair_channels(const DepthwiseLastPair &pair, int64_t channel,
                                                         DepthwiseNext &next) {
  Vec bias{}, weights[kTaps * kTaps];
  if (pair.bias != nullptr) load<F32, Part>(pair.bias + channel, pair.end - channel, bias);
#pragma GCC unroll 9
  for (int t = 0; t < kTaps * kTaps; ++t) F32::load(pair.weights + t * pair.weight_step + channel, weights[t]);
  for (int64_t column = 0; column < pair.outputs; column += kColumns) {
    // The last block may do some outputs again.
    const int64_t at = column + kColumns > pair.outputs ? pair.outputs - kColumns : column;
    fetch(next, 1);
    if (at < pair.low || at - pair.low + kColumns + kTaps - 1 > pair.width) {
      pair_block<Element, Rows, true, Part>(pair, weights, bias, at, channel);
    } else {
      pair_block<Element, Rows, false, Part>(pair, weights, bias, at, channel);
    }
  }
}

template <typename Element, int Rows>
void pair_of(const DepthwiseLastPair &pair) {
  DepthwiseNext next = pair.next_x;
  int64_t channel = pair.first;
  for (; channel + kLanes <= pair.end; channel += kLanes) pair_channels<Element, Rows, false>(pair, channel, next);
  if (channel < pair.end) pair_channels<Element, Rows, true>(pair, channel, next);
}

void run_pair(const DepthwiseLastPair &pair, bool bf16) {
  if (pair.y[1] == nullptr) {
    bf16 ? pair_of<Bf16, 1>(pair) : pair_of<F32, 1>(pair);
  } else {
    bf16 ? pair_of<Bf16, 2>(pair) : pair_of<F32, 2>(pair);
  }
}

}  // namespace

DepthwisePairFunction depthwise_last_pair() {
  return run_pair;
}

#else

DepthwisePairFunction depthwise_last_pair() {
  return nullptr;
}

#endif

}  // namespace dlc::DLC_ISA
