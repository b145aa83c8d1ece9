// The tile of conv_last_sums.h for each instruction set: 14 rows of 32 columns or 24 of 16 with 32 registers of 16
// floats (AVX-512), 6 rows of 16 with 16 of 8 (AVX2), 2 rows of 16 with 16 of 4 (SSE2, NEON).
#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "conv_last_sums.h"

namespace dlc::DLC_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16, kWidest = 32;
constexpr int most_rows(int width) {
  return width == 32 ? 14 : 24;
}
#elif defined(__AVX2__)
constexpr int kLanes = 8, kWidest = 16;
constexpr int most_rows(int) {
  return 6;
}
#else
constexpr int kLanes = 4, kWidest = 16;
constexpr int most_rows(int) {
  return 2;
}
#endif
// Panels are filled up to whole vectors of this on every processor.
constexpr int64_t kVector = 16;
// Pixels that packing fetches in front of itself.
constexpr int64_t kAhead = 4;

using Vec __attribute__((vector_size(kLanes * 4))) = float;
using VecAt __attribute__((vector_size(kLanes * 4), aligned(4), may_alias)) = float;

// sum + a * b, or of pairs of bfloat16 sum + a0 * b0 + a1 * b1. The instruction for pairs is one that this file's
// target need not have, so it is spelled out; nobody asks for it where has_bf16_dots() does not hold.
template <bool Pairs>
inline __attribute__((always_inline)) void add_product(Vec &sum, const Vec &a, const Vec &b) {
#if defined(__AVX512F__)
  if constexpr (Pairs) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  } else {
    sum = _mm512_fmadd_ps(a, b, sum);
  }
#elif defined(__AVX2__)
  sum = _mm256_fmadd_ps(a, b, sum);
#else
  sum += a * b;
#endif
}

// All lanes the same; a pair is moved as the float that it is not.
inline __attribute__((always_inline)) void broadcast(const float *from, Vec &value) {
#if defined(__AVX512F__)
  value = _mm512_set1_ps(*from);
#else
  value = *from - Vec{};
#endif
}

template <int Rows, int Vectors, bool Pairs>
void tile(const PixelSums &call) {
  constexpr int kWidth = Vectors * kLanes;
  Vec acc[Rows][Vectors] = {};
  const ptrdiff_t x_step = call.x_step, next_step = call.next_step;
  const std::byte *next = call.next;
  for (const PixelRun *run = call.runs, *end = run + call.run_count; run != end; ++run) {
    const float *x = call.x + run->x, *dy = call.dy + run->dy * kWidth;
    for (int64_t n = run->count; n > 0; --n) {
      Vec columns[Vectors];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) columns[v] = *reinterpret_cast<const VecAt *>(dy + v * kLanes);
#pragma GCC unroll 32
      for (int i = 0; i < Rows; ++i) {
        Vec value;
        broadcast(x + i, value);
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) add_product<Pairs>(acc[i][v], value, columns[v]);
      }
      __builtin_prefetch(next, 0, 2);
      next += next_step;
      x += x_step;
      dy += kWidth;
    }
  }
  const bool accumulate = call.accumulate;
#pragma GCC unroll 32
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      VecAt *to = reinterpret_cast<VecAt *>(call.sums + i * call.sums_row + v * kLanes);
      *to = accumulate ? *to + acc[i][v] : acc[i][v];
    }
  }
}

template <int Width, bool Pairs, int... Index>
PixelSumsFunction pick_rows(int rows, std::integer_sequence<int, Index...>) {
  static constexpr PixelSumsFunction kTiles[] = {tile<Index + 1, Width / kLanes, Pairs>...};
  return kTiles[rows - 1];
}

template <int Width>
PixelSumsFunction pick_width(int rows, bool pairs) {
  constexpr auto kRows = std::make_integer_sequence<int, most_rows(Width)>();
#if defined(__AVX512F__)
  if (pairs) return pick_rows<Width, true>(rows, kRows);
#endif
  (void)pairs;
  return pick_rows<Width, false>(rows, kRows);
}

PixelSumsFunction pick(int width, int rows, bool pairs) {
#if defined(__AVX512F__)
  if (width == kWidest) return pick_width<kWidest>(rows, pairs);
#endif
  (void)width;
  return pick_width<16>(rows, pairs);
}

int rows_of(int width) {
  return most_rows(width);
}

// Sixteen elements, of which the first `count` are there; the others are zeros.
template <PixelKind Kind>
inline __attribute__((always_inline)) void copy_vector(const void *image, const void *second, int64_t at, int64_t count,
                                                       float *to) {
#if defined(__AVX512F__)
  const auto mask = static_cast<__mmask16>(count >= kVector ? 0xffff : (1 << count) - 1);
  if constexpr (Kind == PixelKind::f32) {
    _mm512_storeu_ps(to, _mm512_maskz_loadu_ps(mask, static_cast<const float *>(image) + at));
    return;
  }
  using Halves __attribute__((vector_size(32))) = uint16_t;
  using Words __attribute__((vector_size(64))) = uint32_t;
  const auto wide = [&](const void *from) {
    const auto *first = static_cast<const uint16_t *>(from) + at;
    return __builtin_convertvector((Halves)_mm256_maskz_loadu_epi16(mask, first), Words);
  };
  Words bits = wide(image);
  if constexpr (Kind == PixelKind::bf16) {
    bits <<= 16;
  } else if (second != nullptr) {
    bits |= wide(second) << 16;
  }
  _mm512_storeu_si512(to, (__m512i)bits);
#else
  (void)second;
  if constexpr (Kind == PixelKind::f32) {
    const float *from = static_cast<const float *>(image) + at;
    for (int64_t i = 0; i < kVector; ++i) to[i] = i < count ? from[i] : 0.0f;
  } else {
    const uint16_t *from = static_cast<const uint16_t *>(image) + at;
    for (int64_t i = 0; i < kVector; ++i) {
      const uint32_t bits = i < count ? static_cast<uint32_t>(from[i]) << 16 : 0u;
      __builtin_memcpy(to + i, &bits, sizeof bits);
    }
  }
#endif
}

template <PixelKind Kind>
inline __attribute__((always_inline)) void fetch(const void *image, int64_t at) {
  constexpr int64_t kBytes = Kind == PixelKind::f32 ? 4 : 2;
  if (image != nullptr) __builtin_prefetch(static_cast<const std::byte *>(image) + at * kBytes);
}

template <PixelKind Kind>
void pack_kind(const PixelPack &call) {
  const int64_t ahead = kAhead * call.image_step;
  int64_t at = 0;
  for (int64_t pixel = 0; pixel < call.pixels; ++pixel, at += call.image_step) {
    float *panel = call.to + pixel * call.to_step;
    for (int64_t first = 0; first < call.channels; first += call.width, panel += call.panel_step) {
      for (int64_t i = 0; i < call.width; i += kVector) {
        const int64_t left = call.channels - first - i;
        fetch<Kind>(call.image, at + ahead + first + i);
        fetch<Kind>(call.second, at + ahead + first + i);
        copy_vector<Kind>(call.image, call.second, at + first + i, left < 0 ? 0 : left, panel + i);
      }
    }
  }
}

void pack(PixelKind kind, const PixelPack &call) {
  switch (kind) {
    case PixelKind::f32:
      return pack_kind<PixelKind::f32>(call);
    case PixelKind::bf16:
      return pack_kind<PixelKind::bf16>(call);
    case PixelKind::bf16_pairs:
#if defined(__AVX512F__)
      return pack_kind<PixelKind::bf16_pairs>(call);
#else
      return;  // no tile here takes pairs
#endif
  }
}

}  // namespace

const PixelSumsIsa &pixel_sums() {
  static constexpr PixelSumsIsa kSums = {kWidest, rows_of, pick, pack};
  return kSums;
}

}  // namespace dlc::DLC_ISA
