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

void zip(const float *low, const float *high, int64_t count, Bf16 *y) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Bits pairs = rounded_bits(load(low + i)) >> 16;
    if (high != nullptr) pairs |= rounded_bits(load(high + i)) & 0xffff0000u;
    *reinterpret_cast<BitsAt *>(y + 2 * i) = pairs;
  }
  if (i == count) return;
  Bits pairs = rounded_bits(load_part(low + i, count - i)) >> 16;
  if (high != nullptr) pairs |= rounded_bits(load_part(high + i, count - i)) & 0xffff0000u;
  store_part(reinterpret_cast<float *>(y + 2 * i), count - i, __builtin_bit_cast(Vec, pairs));
}

void zip_bf16(const Bf16 *low, const Bf16 *high, int64_t count, Bf16 *y) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Bits pairs = __builtin_convertvector(*reinterpret_cast<const HalvesAt *>(low + i), Bits);
    if (high != nullptr) pairs |= __builtin_convertvector(*reinterpret_cast<const HalvesAt *>(high + i), Bits) << 16;
    *reinterpret_cast<BitsAt *>(y + 2 * i) = pairs;
  }
  for (; i < count; ++i) {
    y[2 * i] = low[i];
    y[2 * i + 1].bits = high == nullptr ? uint16_t{0} : high[i].bits;
  }
}

void narrow_run(const float *x, int64_t count, Bf16 *y) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, load(x + i));
  if (i < count) store_part(y + i, count - i, load_part(x + i, count - i));
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
  static constexpr TileIsaBf16 kWide = {wide, zip, zip_bf16, narrow_run};
#if defined(__AVX512F__)
  static constexpr TileIsaBf16 kDots = {dots, zip, zip_bf16, narrow_run};
  if (with_dots) return kDots;
#endif
  return kWide;
}

}  // namespace dlc::DLC_ISA
