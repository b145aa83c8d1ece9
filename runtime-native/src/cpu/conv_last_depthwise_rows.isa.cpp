// Rows of channels-last depthwise convolutions, in vectors of sixteen channels on every instruction set.
#include "conv_last_depthwise_rows.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace dlc::DLC_ISA {
namespace {

constexpr int64_t kLanes = 16;
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

using Vec __attribute__((vector_size(64))) = float;
using VecAt __attribute__((vector_size(64), aligned(4), may_alias)) = float;
using Words __attribute__((vector_size(64))) = uint32_t;
using Halves __attribute__((vector_size(32))) = uint16_t;
using HalvesAt __attribute__((vector_size(32), aligned(2), may_alias)) = uint16_t;

// Elements of images: how sixteen of them, or the first `count` of them with zeros behind, become floats and come back.
struct F32 {
  using Type = float;
  static inline __attribute__((always_inline)) void load(const float *from, Vec &value) {
    value = *reinterpret_cast<const VecAt *>(from);
  }
  static inline __attribute__((always_inline)) void load_part(const float *from, int64_t count, Vec &value) {
#if defined(__AVX512F__)
    value = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
#else
    value = Vec{};
    for (int64_t i = 0; i < count; ++i) value[i] = from[i];
#endif
  }
  static inline __attribute__((always_inline)) void store(float *to, const Vec &value) {
    *reinterpret_cast<VecAt *>(to) = value;
  }
  static inline __attribute__((always_inline)) void store_part(float *to, int64_t count, const Vec &value) {
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), value);
#else
    for (int64_t i = 0; i < count; ++i) to[i] = value[i];
#endif
  }
};

struct Bf16 {
  using Type = uint16_t;
  static inline __attribute__((always_inline)) void widen(const Halves &halves, Vec &value) {
    value = (Vec)(__builtin_convertvector(halves, Words) << 16);
  }
  static inline __attribute__((always_inline)) void load(const uint16_t *from, Vec &value) {
    const Halves halves = *reinterpret_cast<const HalvesAt *>(from);
    widen(halves, value);
  }
  static inline __attribute__((always_inline)) void load_part(const uint16_t *from, int64_t count, Vec &value) {
#if defined(__AVX512F__)
    widen((Halves)_mm256_maskz_loadu_epi16(static_cast<__mmask16>((1u << count) - 1), from), value);
#else
    Halves halves{};
    for (int64_t i = 0; i < count; ++i) halves[i] = from[i];
    widen(halves, value);
#endif
  }
  // To nearest, ties to even; NaN stays NaN.
  static inline __attribute__((always_inline)) void narrow(const Vec &value, Halves &halves) {
    const Words bits = (Words)value;
    const Words rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const Words quiet = (bits >> 16) | 0x40u;
    halves = __builtin_convertvector((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded, Halves);
  }
  static inline __attribute__((always_inline)) void store(uint16_t *to, const Vec &value) {
    Halves halves;
    narrow(value, halves);
    *reinterpret_cast<HalvesAt *>(to) = halves;
  }
  static inline __attribute__((always_inline)) void store_part(uint16_t *to, int64_t count, const Vec &value) {
    Halves halves;
    narrow(value, halves);
    for (int64_t i = 0; i < count; ++i) to[i] = halves[i];
  }
};

// All sixteen channels, or the first `count` of them.
template <typename Element, bool Part>
inline __attribute__((always_inline)) void load(const typename Element::Type *from, int64_t count, Vec &value) {
  if constexpr (Part) {
    Element::load_part(from, count, value);
  } else {
    Element::load(from, value);
  }
}

// What the next row needs for `vectors` of its vectors.
inline __attribute__((always_inline)) void fetch(DepthwiseNext &next, int64_t vectors) {
  const std::byte *end = next.from + vectors * next.bytes;
  for (const std::byte *line = next.from; line < end; line += 64) __builtin_prefetch(line, 0, 2);
  next.from = end;
}

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
    Vec sum = sums[i];
    const int64_t to = at + i * segment.y_step;
    if (row.residual != nullptr) {
      Vec residual;
      load<Element, Part>(static_cast<const Type *>(row.residual) + to, channels, residual);
      sum += residual;
    }
    if (row.clamps) {  // NaN stays
      const Vec low = row.low - Vec{}, high = row.high - Vec{};
      sum = sum < low ? low : sum;
      sum = sum > high ? high : sum;
    }
    if constexpr (Part) {
      Element::store_part(static_cast<Type *>(row.y) + to, channels, sum);
    } else {
      Element::store(static_cast<Type *>(row.y) + to, sum);
    }
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
