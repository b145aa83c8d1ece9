// Rows of channels-last depthwise convolutions, in vectors of sixteen channels on every instruction set.
#include "conv_last_depthwise_elements.h"

namespace dlc::DLC_ISA {
namespace {

// Pixels of a weight gradient for which the next row's bytes are fetched in one go.
constexpr int64_t kFetched = 8;
// Pixels and taps whose sums fit the registers.
#if defined(__AVX512F__)
constexpr int kMostPixels = 8, kMostTaps = 9;
#elif defined(__AVX2__)
constexpr int kMostPixels = 4, kMostTaps = 5;
#else
constexpr int kMostPixels = 2, kMostTaps = 2;
#endif

template <typename Element, int Pixels, bool Part>
inline __attribute__((always_inline)) void row_block(const DepthwiseLastRow &row, const DepthwiseSegment &segment,
                                                     int64_t pixel, int64_t channel, const Vec &bias) {
  using Type = typename Element::Type;
  const int64_t channels = row.end - channel;
  const Type *x = static_cast<const Type *>(row.x) + channel + pixel * segment.x_step;
  Vec sums[Pixels];
#pragma GCC unroll 8
  for (int i = 0; i < Pixels; ++i) sums[i] = bias;
  for (const DepthwiseTap *tap = segment.taps, *end = tap + segment.tap_count; tap != end; ++tap) {
    const Vec weight = *reinterpret_cast<const VecAt *>(row.weights + tap->weight + channel);
    const Type *from = x + tap->x;
#pragma GCC unroll 8
    for (int i = 0; i < Pixels; ++i) {
      Vec value;
      load<Element, Part>(from + i * segment.x_step, channels, value);
      sums[i] += weight * value;
    }
  }
  const int64_t at = segment.y + pixel * segment.y_step + channel;
#pragma GCC unroll 8
  for (int i = 0; i < Pixels; ++i) {
    finish<Element, Part>(row.end_of_sum, sums[i], at + i * segment.y_step, channels, static_cast<Type *>(row.y));
  }
}

template <typename Element, int Pixels, bool Part>
inline __attribute__((always_inline)) void row_pixels(const DepthwiseLastRow &row, const DepthwiseSegment &segment,
                                                      int64_t pixel, int64_t channel, const Vec &bias,
                                                      DepthwiseNext &next) {
  for (; pixel + Pixels <= segment.count; pixel += Pixels) {
    fetch(next, Pixels);
    row_block<Element, Pixels, Part>(row, segment, pixel, channel, bias);
  }
  if constexpr (Pixels > 1) row_pixels<Element, Pixels / 2, Part>(row, segment, pixel, channel, bias, next);
}

template <typename Element, bool Part>
inline __attribute__((always_inline)) void row_channels(const DepthwiseLastRow &row, int64_t channel,
                                                        DepthwiseNext &next) {
  Vec bias{};
  if (row.bias != nullptr) load<F32, Part>(row.bias + channel, row.end - channel, bias);
  for (int64_t s = 0; s < row.segment_count; ++s) {
    row_pixels<Element, Part ? 1 : kMostPixels, Part>(row, row.segments[s], 0, channel, bias, next);
  }
}

template <typename Element>
void row_of(const DepthwiseLastRow &row) {
  DepthwiseNext next = row.next_x;
  int64_t channel = row.first;
  for (; channel + kLanes <= row.end; channel += kLanes) row_channels<Element, false>(row, channel, next);
  if (channel < row.end) row_channels<Element, true>(row, channel, next);
}

// Taps [tap, tap + Taps) of a segment.
template <typename Element, int Taps, bool Part>
inline __attribute__((always_inline)) void sums_block(const DepthwiseLastSums &row, const DepthwiseSegment &segment,
                                                      int64_t tap, int64_t channel, DepthwiseNext *next) {
  using Type = typename Element::Type;
  const int64_t channels = row.end - channel;
  const Type *dy = static_cast<const Type *>(row.dy) + segment.y + channel;
  const Type *x[Taps];
  Vec acc[Taps] = {};
#pragma GCC unroll 9
  for (int t = 0; t < Taps; ++t) x[t] = static_cast<const Type *>(row.x) + segment.taps[tap + t].x + channel;
  const int64_t y_step = segment.y_step, x_step = segment.x_step;
  int64_t at = 0;
  for (int64_t left = segment.count; left > 0; left -= kFetched) {
    const int64_t pixels = left < kFetched ? left : kFetched;
    if (tap == 0) {
      fetch(next[0], pixels);
      fetch(next[1], pixels);
    }
    for (int64_t n = pixels; n > 0; --n) {
      Vec gradient;
      load<Element, Part>(dy, channels, gradient);
#pragma GCC unroll 9
      for (int t = 0; t < Taps; ++t) {
        Vec value;
        load<Element, Part>(x[t] + at, channels, value);
        acc[t] += gradient * value;
      }
      dy += y_step;
      at += x_step;
    }
  }
#pragma GCC unroll 9
  for (int t = 0; t < Taps; ++t)
    *reinterpret_cast<VecAt *>(row.sums + segment.taps[tap + t].weight + channel) += acc[t];
}

template <typename Element, int Taps, bool Part>
inline __attribute__((always_inline)) void sums_taps(const DepthwiseLastSums &row, const DepthwiseSegment &segment,
                                                     int64_t tap, int64_t channel, DepthwiseNext *next) {
  for (; tap + Taps <= segment.tap_count; tap += Taps)
    sums_block<Element, Taps, Part>(row, segment, tap, channel, next);
  if constexpr (Taps > 1)
    sums_taps<Element, Taps == 9 ? 6 : Taps == 6 ? 5 : Taps - 1, Part>(row, segment, tap, channel, next);
}

template <typename Element, bool Part>
void sums_channels(const DepthwiseLastSums &row, int64_t channel, DepthwiseNext *next) {
  for (int64_t s = 0; s < row.segment_count; ++s) {
    sums_taps<Element, Part ? 1 : kMostTaps, Part>(row, row.segments[s], 0, channel, next);
  }
}

template <typename Element>
void sums_of(const DepthwiseLastSums &row) {
  DepthwiseNext next[] = {row.next_x, row.next_dy};
  int64_t channel = row.first;
  for (; channel + kLanes <= row.end; channel += kLanes) sums_channels<Element, false>(row, channel, next);
  if (channel < row.end) sums_channels<Element, true>(row, channel, next);
}

}  // namespace

void depthwise_last_row(const DepthwiseLastRow &row, bool bf16) {
  bf16 ? row_of<Bf16>(row) : row_of<F32>(row);
}

void depthwise_last_sums(const DepthwiseLastSums &row, bool bf16) {
  bf16 ? sums_of<Bf16>(row) : sums_of<F32>(row);
}

}  // namespace dlc::DLC_ISA
