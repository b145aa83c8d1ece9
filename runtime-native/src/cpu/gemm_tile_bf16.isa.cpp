// The register tile of gemm_tile_bf16.h: with dot products of bfloat16 pairs where the processor has them, which come
// with no instruction set as a whole, so these functions name the target themselves; else both sides are widened.
#include "gemm_tile_bf16.h"

#include "gemm_tile_store.h"

namespace dlc::DLC_ISA {
namespace {

using Pair __attribute__((aligned(2), may_alias)) = uint32_t;

// Both halves of a pair one after the other, so that the tile fits the registers.
template <int Rows, int Vectors, bool Table>
void wide_tile(const TileCallBf16 &call) {
  Vec acc[Rows][Vectors] = {};
  const Bf16 *b = call.b;
  const Bf16 *base = call.a;
  const ptrdiff_t row = call.a_row;
  for (int64_t p = 0; p < call.pairs; ++p) {
    const Bf16 *a = Table ? base + call.offsets[p] : base;
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      Vec columns[Vectors];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) {
        const Bits pairs = *reinterpret_cast<const BitsAt *>(b + 2 * v * kLanes);
        const Bits wide = half == 0 ? pairs << 16 : pairs & 0xffff0000u;
        columns[v] = __builtin_bit_cast(Vec, wide);
      }
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        const uint32_t wide = static_cast<uint32_t>(a[i * row + half].bits) << 16;
        const Vec value = __builtin_bit_cast(float, wide) - Vec{};
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) acc[i][v] = multiply_add(value, columns[v], acc[i][v]);
      }
    }
    if (!Table) base += call.a_step;
    b += call.ldb;
  }
  if (call.rounded != nullptr) {
    finish(acc, call, call.rounded);
  } else {
    finish(acc, call, call.c);
  }
}

template <int Vectors, int... Index>
TileFunctionBf16 pick_wide(int rows, bool table, std::integer_sequence<int, Index...>) {
  static constexpr TileFunctionBf16 kPlain[] = {wide_tile<Index + 1, Vectors, false>...};
  static constexpr TileFunctionBf16 kTable[] = {wide_tile<Index + 1, Vectors, true>...};
  return table ? kTable[rows - 1] : kPlain[rows - 1];
}

template <int Width>
TileFunctionBf16 pick_wide(int rows, bool table) {
  return pick_wide<Width / kLanes>(rows, table, std::make_integer_sequence<int, tile_rows(Width)>());
}

TileFunctionBf16 wide(int width, int rows, bool, bool table) {
#if defined(__AVX512F__)
  if (width == 64) return pick_wide<64>(rows, table);
  if (width == 32) return pick_wide<32>(rows, table);
#endif
  (void)width;
  return pick_wide<16>(rows, table);
}

// Pairs of one or two rows, `count` of them.
DLC_INLINE Bits pairs_of(const Vec &low, const Vec &high) {
  return (rounded_bits(low) >> 16) | (rounded_bits(high) & 0xffff0000u);
}

DLC_INLINE Bits pairs_of(const Halves &low, const Halves &high) {
  return __builtin_convertvector(low, Bits) | (__builtin_convertvector(high, Bits) << 16);
}

#if defined(__AVX512F__)
// Places of two vectors of 32 halves side by side: the first of each, the second of each, ...
struct SideBySide {
  alignas(64) uint16_t place[64];
  constexpr SideBySide() : place() {
    for (int i = 0; i < 64; ++i) place[i] = static_cast<uint16_t>(i / 2 + i % 2 * 32);
  }
};
constexpr SideBySide kSideBySide;
#endif

DLC_INLINE Vec raw(const float *x) {
  return load(x);
}

DLC_INLINE Halves raw(const Bf16 *x) {
  return *reinterpret_cast<const HalvesAt *>(x);
}

// The edge of a row: through memory.
template <typename T>
__attribute__((noinline)) void zip_edge(const T *low, const T *high, int64_t count, Bf16 *y) {
  T first[kLanes] = {}, second[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) first[i] = low[i];
  if (high != nullptr) {
    for (int64_t i = 0; i < count; ++i) second[i] = high[i];
  }
  const Bits pairs = pairs_of(raw(first), raw(second));
  store_part(reinterpret_cast<float *>(y), count, __builtin_bit_cast(Vec, pairs));
}

template <typename T>
void zip_rows(const T *x, ptrdiff_t x_row, int64_t depth, int64_t columns, int64_t width, Bf16 *y) {
  for (int64_t t = 0; t < depth; t += 2) {
    const T *low = x + t * x_row;
    const T *high = t + 1 < depth ? low + x_row : nullptr;
    int64_t j = 0;
    for (; high != nullptr && j + kLanes <= columns; j += kLanes) {
      *reinterpret_cast<BitsAt *>(y + 2 * j) = pairs_of(raw(low + j), raw(high + j));
    }
    for (; j < columns; j += kLanes) {
      zip_edge(low + j, high == nullptr ? high : high + j, columns - j < kLanes ? columns - j : kLanes, y + 2 * j);
    }
    for (j = 2 * columns; j < 2 * width; ++j) y[j].bits = 0;
    y += 2 * width;
  }
}

void zip(const float *x, ptrdiff_t x_row, int64_t depth, int64_t columns, int64_t width, Bf16 *y) {
  zip_rows(x, x_row, depth, columns, width, y);
}

void zip_bf16(const Bf16 *x, ptrdiff_t x_row, int64_t depth, int64_t columns, int64_t width, Bf16 *y) {
#if defined(__AVX512F__)
  const __m512i first_half = _mm512_load_si512(kSideBySide.place);
  const __m512i second_half = _mm512_load_si512(kSideBySide.place + 32);
  for (int64_t t = 0; t < depth; t += 2) {
    const Bf16 *low = x + t * x_row;
    const bool odd = t + 1 == depth;
    const Bf16 *high = odd ? low : low + x_row;
    for (int64_t j = 0; j < columns; j += 32) {
      const int64_t left = columns - j < 32 ? columns - j : 32;
      const __mmask32 some = ~__mmask32{0} >> (32 - left);
      const __m512i first = _mm512_maskz_loadu_epi16(some, low + j);
      const __m512i second = _mm512_maskz_loadu_epi16(odd ? 0 : some, high + j);
      const auto behind = static_cast<__mmask16>(some >> 16);
      _mm512_mask_storeu_epi32(y + 2 * j, static_cast<__mmask16>(some),
                               _mm512_permutex2var_epi16(first, first_half, second));
      if (behind != 0) {
        _mm512_mask_storeu_epi32(y + 2 * j + 32, behind, _mm512_permutex2var_epi16(first, second_half, second));
      }
    }
    for (int64_t j = 2 * columns; j < 2 * width; ++j) y[j].bits = 0;
    y += 2 * width;
  }
#else
  zip_rows(x, x_row, depth, columns, width, y);
#endif
}

void narrow(const float *x, ptrdiff_t x_row, int64_t rows, int64_t count, Bf16 *y, ptrdiff_t y_row) {
  for (int64_t r = 0; r < rows; ++r, x += x_row, y += y_row) {
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) store(y + i, load(x + i));
    if (i < count) store_part(y + i, count - i, load_part(x + i, count - i));
    if (count % 2 != 0) y[count].bits = 0;
  }
}

void copy(const Bf16 *x, ptrdiff_t x_row, int64_t rows, int64_t count, Bf16 *y, ptrdiff_t y_row) {
  for (int64_t r = 0; r < rows; ++r, x += x_row, y += y_row) {
    __builtin_memcpy(y, x, static_cast<size_t>(count) * sizeof(Bf16));
    if (count % 2 != 0) y[count].bits = 0;
  }
}

#if defined(__AVX512F__)
#define DLC_DOTS __attribute__((target("avx512bf16")))

template <int Rows, int Vectors, bool Unit, bool Table>
DLC_DOTS void dots_tile(const TileCallBf16 &call) {
  constexpr int kGroups = (Rows + 2) / 3;
  constexpr int kParts = parts_of(Rows * Vectors);
  Vec acc[kParts][Rows][Vectors] = {};
  const Bf16 *b = call.b;
  const ptrdiff_t ldb = call.ldb;
  const ptrdiff_t row = Unit ? 2 : call.a_row;
  const Bf16 *base[kGroups];
#pragma GCC unroll 16
  for (int g = 0; g < kGroups; ++g) base[g] = call.a + 3 * g * row;
  const int64_t pairs = call.pairs;
  for (int64_t p = 0; p < pairs; p += kParts) {
#pragma GCC unroll 4
    for (int part = 0; part < kParts; ++part) {
      if (part > 0 && p + part >= pairs) break;
      const ptrdiff_t at = Table ? call.offsets[p + part] : 0;
      __m512bh columns[Vectors];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) columns[v] = (__m512bh)_mm512_loadu_si512(b + 2 * v * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        const Bf16 *from = Unit ? base[0] + at + 2 * i : base[i / 3] + at + (i % 3) * row;
        const auto value = (__m512bh)_mm512_set1_epi32(static_cast<int>(*reinterpret_cast<const Pair *>(from)));
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) acc[part][i][v] = _mm512_dpbf16_ps(acc[part][i][v], value, columns[v]);
      }
      if (!Table) {
#pragma GCC unroll 16
        for (int g = 0; g < kGroups; ++g) base[g] += call.a_step;
      }
      b += ldb;
    }
  }
  join_parts(acc);
  if (call.rounded != nullptr) {
    finish(acc[0], call, call.rounded);
  } else {
    finish(acc[0], call, call.c);
  }
}

// The two of zip and narrow whose rounding is an instruction here.
DLC_DOTS void zip_dots(const float *x, ptrdiff_t x_row, int64_t depth, int64_t columns, int64_t width, Bf16 *y) {
  alignas(64) uint16_t order[32];
  for (int i = 0; i < 32; ++i) order[i] = static_cast<uint16_t>(i / 2 + i % 2 * 16);
  const __m512i side_by_side = _mm512_load_si512(order);
  const int64_t whole = columns / kLanes * kLanes;
  const auto last = static_cast<__mmask16>((1u << (columns - whole)) - 1);
  for (int64_t t = 0; t < depth; t += 2) {
    const float *low = x + t * x_row;
    const float *high = low + (t + 1 < depth ? x_row : 0);
    const auto both = static_cast<__mmask16>(t + 1 < depth ? 0xffff : 0);
    const auto put = [&](int64_t j, __mmask16 some) __attribute__((always_inline)) DLC_DOTS {
      const __m512 first = _mm512_maskz_loadu_ps(some, low + j);
      const __m512 second = _mm512_maskz_loadu_ps(some & both, high + j);
      const auto rounded = (__m512i)_mm512_cvtne2ps_pbh(second, first);
      _mm512_mask_storeu_epi32(y + 2 * j, some, _mm512_permutexvar_epi16(side_by_side, rounded));
    };
    for (int64_t j = 0; j < whole; j += kLanes) put(j, 0xffff);
    if (last != 0) put(whole, last);
    for (int64_t j = 2 * columns; j < 2 * width; ++j) y[j].bits = 0;
    y += 2 * width;
  }
}

DLC_DOTS void narrow_dots(const float *x, ptrdiff_t x_row, int64_t rows, int64_t count, Bf16 *y, ptrdiff_t y_row) {
  for (int64_t r = 0; r < rows; ++r, x += x_row, y += y_row) {
    int64_t i = 0;
    for (; i + 32 <= count; i += 32) {
      const __m512 first = _mm512_loadu_ps(x + i), second = _mm512_loadu_ps(x + i + 16);
      _mm512_storeu_si512(y + i, (__m512i)_mm512_cvtne2ps_pbh(second, first));
    }
    for (; i < count; i += kLanes) {
      const int64_t left = count - i < kLanes ? count - i : kLanes;
      const auto some = static_cast<__mmask16>((1u << left) - 1);
      _mm256_mask_storeu_epi16(y + i, some, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(some, x + i)));
    }
    if (count % 2 != 0) y[count].bits = 0;
  }
}

template <int Vectors, int... Index>
TileFunctionBf16 pick_dots(int rows, bool unit, bool table, std::integer_sequence<int, Index...>) {
  static constexpr TileFunctionBf16 kPlain[] = {dots_tile<Index + 1, Vectors, false, false>...};
  static constexpr TileFunctionBf16 kTable[] = {dots_tile<Index + 1, Vectors, false, true>...};
  static constexpr TileFunctionBf16 kUnit[] = {dots_tile<Index + 1, Vectors, true, false>...};
  if (table) return kTable[rows - 1];
  return unit ? kUnit[rows - 1] : kPlain[rows - 1];
}

template <int Width>
TileFunctionBf16 pick_dots(int rows, bool unit, bool table) {
  return pick_dots<Width / kLanes>(rows, unit, table, std::make_integer_sequence<int, tile_rows(Width)>());
}

TileFunctionBf16 dots(int width, int rows, bool unit, bool table) {
  if (width == 64) return pick_dots<64>(rows, unit, table);
  if (width == 32) return pick_dots<32>(rows, unit, table);
  return pick_dots<16>(rows, unit, table);
}
#endif

}  // namespace

const TileIsaBf16 &bf16_tiles([[maybe_unused]] bool with_dots) {
  static constexpr TileIsaBf16 kWide = {wide, zip, zip_bf16, narrow, copy};
#if defined(__AVX512F__)
  static constexpr TileIsaBf16 kDots = {dots, zip_dots, zip_bf16, narrow_dots, copy};
  if (with_dots) return kDots;
#endif
  return kWide;
}

}  // namespace dlc::DLC_ISA
