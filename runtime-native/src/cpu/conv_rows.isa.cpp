// Copying with zeros around, and depthwise rows.
#include "conv_rows.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace dlc::DLC_ISA {
namespace {

constexpr int64_t kLanes = 16;

using Vec __attribute__((vector_size(kLanes * 4))) = float;
using VecAt __attribute__((vector_size(kLanes * 4), aligned(4), may_alias)) = float;

// Vectors are handed over by reference: by value their calling convention depends on the instruction set.
inline __attribute__((always_inline)) const VecAt &load(const float *from) {
  return *reinterpret_cast<const VecAt *>(from);
}

// The first `count` floats at `from`, zeros behind them.
inline __attribute__((always_inline)) void load_part(const float *from, int64_t count, Vec &value) {
#if defined(__AVX512F__)
  value = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
#else
  value = Vec{};
  for (int64_t i = 0; i < count; ++i) value[i] = from[i];
#endif
}

inline __attribute__((always_inline)) void store_part(float *to, int64_t count, const Vec &value) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), value);
#else
  for (int64_t i = 0; i < count; ++i) to[i] = value[i];
#endif
}

// Outputs [o, o + Vectors * kLanes) of a row.
template <int Vectors>
inline __attribute__((always_inline)) void depthwise_block(const DepthwiseRow &row, int64_t o, Vec *sums) {
#pragma GCC unroll 4
  for (int v = 0; v < Vectors; ++v) sums[v] = row.bias - Vec{};
  for (int64_t t = 0; t < row.taps; ++t) {
    const float *x = row.x + row.offsets[t] + o;
    const Vec weight = row.weights[t] - Vec{};
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) sums[v] += weight * load(x + v * kLanes);
  }
  if (!row.relu) return;
#pragma GCC unroll 4
  for (int v = 0; v < Vectors; ++v) sums[v] = sums[v] < Vec{} ? Vec{} : sums[v];  // keeps NaN
}

template <int Taps>
void sums_of(const DepthwiseSums &call, float *lanes) {
  Vec acc[Taps];
#pragma GCC unroll 16
  for (int t = 0; t < Taps; ++t) acc[t] = load(lanes + t * kLanes);
  for (int64_t r = 0; r < call.rows; ++r) {
    const float *x = call.x + r * call.x_row, *dy = call.dy + r * call.dy_row;
    for (int64_t o = 0; o < call.count; o += kLanes) {
      const int64_t left = call.count - o;
      Vec gradient;
      if (left >= kLanes) {
        gradient = load(dy + o);
      } else {
        load_part(dy + o, left, gradient);
      }
#pragma GCC unroll 16
      for (int t = 0; t < Taps; ++t) acc[t] += gradient * load(x + call.offsets[t] + o);
    }
  }
#pragma GCC unroll 16
  for (int t = 0; t < Taps; ++t) *reinterpret_cast<VecAt *>(lanes + t * kLanes) = acc[t];
}

template <int Stride>
void take(const float *from, int64_t stride, int64_t count, float *__restrict to) {
  int64_t i = 0;
#if defined(__AVX512F__)
  if constexpr (Stride == 2) {
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    // The last of two whole vectors is read although it is not wanted, so it has to exist.
    for (; i + kLanes < count; i += kLanes) {
      const __m512 low = _mm512_loadu_ps(from + 2 * i), high = _mm512_loadu_ps(from + 2 * i + kLanes);
      _mm512_storeu_ps(to + i, _mm512_permutex2var_ps(low, even, high));
    }
    const int64_t rest = count - i;  // at most sixteen: 2 rest - 1 floats from here
    const auto below = [](int64_t n) {
      return static_cast<__mmask16>(n >= kLanes ? 0xffff : n <= 0 ? 0 : (1 << n) - 1);
    };
    const __m512 low = _mm512_maskz_loadu_ps(below(2 * rest - 1), from + 2 * i);
    const __m512 high = _mm512_maskz_loadu_ps(below(2 * rest - 1 - kLanes), from + 2 * i + kLanes);
    _mm512_mask_storeu_ps(to + i, below(rest), _mm512_permutex2var_ps(low, even, high));
    return;
  }
#endif
  for (; i < count; ++i) to[i] = from[i * (Stride == 0 ? stride : Stride)];
}

template <int Stride>
void put(const float *__restrict from, int64_t stride, int64_t count, float *to) {
  for (int64_t i = 0; i < count; ++i) to[i * (Stride == 0 ? stride : Stride)] = from[i];
}

}  // namespace

void copy_padded(const float *from, int64_t from_row, int64_t rows, int64_t columns, int64_t left, int64_t right,
                 float *__restrict to, int64_t to_row) {
#if defined(__AVX512F__)
  // Where sixteen columns reach beyond the image, one masked read and write: lanes outside are not touched and zero.
  for (int64_t i = 0; i < columns; i += kLanes) {
    if (i >= left && i + kLanes <= right) {
      int64_t end = i + kLanes;
      // Few rows: along each one as far as it goes.
      if (rows < 8) end += (right - end) / kLanes * kLanes;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t j = i; j < end; j += kLanes) {
          _mm512_storeu_ps(to + r * to_row + j, _mm512_loadu_ps(from + r * from_row + j));
        }
      }
      i = end - kLanes;
      continue;
    }
    const auto below = [](int64_t count) {
      return static_cast<unsigned>(count >= kLanes ? 0xffff : count <= 0 ? 0 : (1u << count) - 1);
    };
    const __mmask16 read = static_cast<__mmask16>(below(right - i) & ~below(left - i));
    const __mmask16 write = static_cast<__mmask16>(below(columns - i));
    for (int64_t r = 0; r < rows; ++r) {
      _mm512_mask_storeu_ps(to + r * to_row + i, write, _mm512_maskz_loadu_ps(read, from + r * from_row + i));
    }
  }
#else
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < left; ++i) to[r * to_row + i] = 0;
    for (int64_t i = left; i < right; ++i) to[r * to_row + i] = from[r * from_row + i];
    for (int64_t i = right; i < columns; ++i) to[r * to_row + i] = 0;
  }
#endif
}

void copy_strided(const float *from, int64_t from_row, int64_t stride, int64_t rows, int64_t columns, int64_t left,
                  int64_t right, float *to, int64_t to_row) {
  const auto line = stride == 1 ? take<1> : stride == 2 ? take<2> : take<0>;
  for (int64_t r = 0; r < rows; ++r, from += from_row, to += to_row) {
    for (int64_t i = 0; i < left; ++i) to[i] = 0;
    line(from + left * stride, stride, right - left, to + left);
    for (int64_t i = right; i < columns; ++i) to[i] = 0;
  }
}

void spread_strided(const float *from, int64_t stride, int64_t count, float *to) {
  (stride == 1 ? put<1> : stride == 2 ? put<2> : put<0>)(from, stride, count, to);
}

void depthwise_row(const DepthwiseRow &row, float *y) {
  constexpr int64_t kBlock = 4 * kLanes;
  int64_t o = 0;
  for (; o + kBlock <= row.count; o += kBlock) {
    Vec sums[4];
    depthwise_block<4>(row, o, sums);
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) *reinterpret_cast<VecAt *>(y + o + v * kLanes) = sums[v];
  }
  for (; o < row.count; o += kLanes) {
    Vec sums[1];
    depthwise_block<1>(row, o, sums);
    if (row.count - o >= kLanes) {
      *reinterpret_cast<VecAt *>(y + o) = sums[0];
    } else {
      store_part(y + o, row.count - o, sums[0]);
    }
  }
}

void depthwise_sums(const DepthwiseSums &sums, float *lanes) {
  // As many taps at a time as there are registers for, three rows of three for one.
  using Sums = void (*)(const DepthwiseSums &, float *);
  static constexpr Sums kSums[] = {sums_of<1>, sums_of<2>, sums_of<3>, sums_of<4>, sums_of<5>,
                                   sums_of<6>, sums_of<7>, sums_of<8>, sums_of<9>};
  DepthwiseSums part = sums;
  for (int64_t t = 0; t < sums.taps; t += 9) {
    part.offsets = sums.offsets + t;
    kSums[(sums.taps - t < 9 ? sums.taps - t : 9) - 1](part, lanes + t * kLanes);
  }
}

}  // namespace dlc::DLC_ISA
