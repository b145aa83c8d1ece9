// Loops of pool_maxima.h: vectors of outputs. Windows are short and so are many lines, so that what is done once a line
// counts: AVX-512 takes a whole line of up to 16 outputs under a mask, and all lines of a plane in one call.
#include "pool_maxima.h"

#include <utility>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace dlc::DLC_ISA {
namespace {

constexpr float kLeast = -__builtin_inff();

// True where `value` takes the place of `best`: greater, or the first NaN.
inline bool beats(float value, float best) {
  return !(value <= best) & (best == best);
}

// One output, of the line that begins at x.
void max_one(const MaxLines &all, const float *x, int32_t at, float *best, int32_t *index) {
  float most = kLeast;
  int32_t where = at;
  for (int64_t r = 0; r < all.rows; ++r) {
    max_run(x + r * all.pitch, all.taps, at + static_cast<int32_t>(r * all.pitch), &most, &where);
  }
  if (best != nullptr) *best = most;
  if (index != nullptr) *index = where;
}

#if defined(__AVX512F__)

// The first `count` of 16 lanes, none below 0.
inline __mmask16 lanes_below(int64_t count) {
  return count >= 16 ? __mmask16{0xffff} : static_cast<__mmask16>((1u << (count < 0 ? 0 : count)) - 1);
}

// The numbers x[0], x[Stride], … of `mine`; `low` and `high` are the elements of the two vectors they lie in. Narrow:
// they lie in the first.
template <int Stride, bool Narrow>
inline __m512 read(const float *x, __mmask16 mine, __mmask16 low, __mmask16 high) {
  if constexpr (Stride == 1) return _mm512_maskz_loadu_ps(mine, x);
  const __m512i evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512 first = _mm512_maskz_loadu_ps(low, x);
  if constexpr (Narrow) return _mm512_maskz_permutexvar_ps(mine, evens, first);
  return _mm512_permutex2var_ps(first, evens, _mm512_maskz_loadu_ps(high, x + 16));
}

// Windows of Taps x Taps, or where that is 0 of any size.
template <int Stride, int Taps, bool Narrow>
void max_masked(const MaxLines &all, float *best, int32_t *index) {
  const int64_t taps = Taps == 0 ? all.taps : Taps, rows = Taps == 0 ? all.rows : Taps;
  // In registers: as far as the compiler knows, what is written might be a part of `all`.
  const int64_t lines = all.lines, pitch = all.pitch, line_step = all.line_step, out_pitch = all.out_pitch;
  const float *const x = all.x;
  const int32_t at = all.at;
  const __m512i steps = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                           _mm512_set1_epi32(Stride));
  for (int64_t o = 0; o < all.count; o += 16) {
    const int64_t left = all.count - o, elements = (left - 1) * Stride + 1;
    const __mmask16 mine = lanes_below(left), low = lanes_below(elements), high = lanes_below(elements - 16);
    for (int64_t l = 0; l < lines; ++l) {
      const float *const line = x + l * line_step + o * Stride;
      const __m512i first =
          _mm512_add_epi32(steps, _mm512_set1_epi32(at + static_cast<int32_t>(l * line_step + o * Stride)));
      __m512 most = read<Stride, Narrow>(line, mine, low, high);
      __m512i where = first;
      const auto take = [&](int64_t r, int64_t s) {
        const int64_t shift = r * pitch + s;
        const __m512 value = read<Stride, Narrow>(line + shift, mine, low, high);
        const __mmask16 number = _mm512_cmp_ps_mask(most, most, _CMP_ORD_Q);
        const __mmask16 better = _mm512_mask_cmp_ps_mask(number, value, most, _CMP_NLE_UQ);
        most = _mm512_mask_mov_ps(most, better, value);
        where = _mm512_mask_add_epi32(where, better, first, _mm512_set1_epi32(static_cast<int32_t>(shift)));
      };
      for (int64_t s = 1; s < taps; ++s) take(0, s);
      for (int64_t r = 1; r < rows; ++r) {
        for (int64_t s = 0; s < taps; ++s) take(r, s);
      }
      if (best != nullptr) _mm512_mask_storeu_ps(best + l * out_pitch + o, mine, most);
      if (index != nullptr) _mm512_mask_storeu_epi32(index + l * out_pitch + o, mine, where);
    }
  }
}

template <int Stride, int Taps>
void max_of_taps(const MaxLines &all, float *best, int32_t *index) {
  if (Stride == 2 && all.count <= 8) return max_masked<Stride, Taps, true>(all, best, index);
  max_masked<Stride, Taps, false>(all, best, index);
}

template <int Stride>
bool max_by_vectors(const MaxLines &all, float *best, int32_t *index) {
  if (all.taps == 2 && all.rows == 2) {
    max_of_taps<Stride, 2>(all, best, index);
  } else if (all.taps == 3 && all.rows == 3) {
    max_of_taps<Stride, 3>(all, best, index);
  } else {
    max_of_taps<Stride, 0>(all, best, index);
  }
  return true;
}

#else

// Vectors of 4 or 8 outputs, for strides of 1 and 2.
template <int Lanes>
struct Vectors {
  using Floats __attribute__((vector_size(Lanes * 4))) = float;
  using FloatsAt __attribute__((vector_size(Lanes * 4), aligned(4), may_alias)) = float;
  using Ints __attribute__((vector_size(Lanes * 4))) = int32_t;
  using IntsAt __attribute__((vector_size(Lanes * 4), aligned(4), may_alias)) = int32_t;

  // x[0], x[2], ... by two reads that end at the last one wanted.
  template <int... J>
  static void read_pairs(const float *x, Floats &to, std::integer_sequence<int, J...>) {
    const Floats low = *reinterpret_cast<const FloatsAt *>(x),
                 high = *reinterpret_cast<const FloatsAt *>(x + Lanes - 1);
    to = __builtin_shufflevector(low, high, (J < Lanes / 2 ? 2 * J : 2 * J + 1)...);
  }

  template <int... J>
  static void iota(int32_t first, int32_t step, Ints &to, std::integer_sequence<int, J...>) {
    to = first + Ints{(J * step)...};
  }

  // Outputs [o, o + Lanes) of a line.
  template <int Stride>
  static void maxima(const MaxLines &all, int64_t line, int64_t o, float *best_out, int32_t *index_out) {
    constexpr auto kAll = std::make_integer_sequence<int, Lanes>();
    const int64_t begin = line * all.line_step + o * Stride, to = line * all.out_pitch + o;
    Floats best = kLeast - Floats{};
    Ints first, index;
    iota(all.at + static_cast<int32_t>(begin), Stride, first, kAll);
    index = first;
    for (int64_t r = 0; r < all.rows; ++r) {
      const float *x = all.x + begin + r * all.pitch;
      for (int64_t s = 0; s < all.taps; ++s) {
        Floats value;
        if constexpr (Stride == 1) {
          value = *reinterpret_cast<const FloatsAt *>(x + s);
        } else {
          read_pairs(x + s, value, kAll);
        }
        const Ints behind = value <= best, number = best == best;
        const Ints better = ~behind & number;
        best = better ? value : best;
        index = better ? first + static_cast<int32_t>(r * all.pitch + s) : index;
      }
    }
    if (best_out != nullptr) *reinterpret_cast<FloatsAt *>(best_out + to) = best;
    if (index_out != nullptr) *reinterpret_cast<IntsAt *>(index_out + to) = index;
  }
};

// The last vector overlaps the one before it, which costs less than single outputs.
template <int Stride, int Lanes>
void max_vectors(const MaxLines &all, float *best, int32_t *index) {
  for (int64_t l = 0; l < all.lines; ++l) {
    for (int64_t o = 0; o < all.count; o += Lanes) {
      const int64_t from = o + Lanes <= all.count ? o : all.count - Lanes;
      Vectors<Lanes>::template maxima<Stride>(all, l, from, best, index);
    }
  }
}

template <int Stride>
bool max_by_vectors(const MaxLines &all, float *best, int32_t *index) {
#if defined(__AVX2__)
  if (all.count >= 8) return max_vectors<Stride, 8>(all, best, index), true;
#endif
  if (all.count >= 4) return max_vectors<Stride, 4>(all, best, index), true;
  return false;
}

#endif

}  // namespace

void max_lines(const MaxLines &all, float *best, int32_t *index) {
  if (all.stride == 1 && max_by_vectors<1>(all, best, index)) return;
  if (all.stride == 2 && max_by_vectors<2>(all, best, index)) return;
  for (int64_t l = 0; l < all.lines; ++l) {
    for (int64_t o = 0; o < all.count; ++o) {
      const int64_t begin = l * all.line_step + o * all.stride, to = l * all.out_pitch + o;
      max_one(all, all.x + begin, all.at + static_cast<int32_t>(begin), best == nullptr ? nullptr : best + to,
              index == nullptr ? nullptr : index + to);
    }
  }
}

void max_run(const float *x, int64_t count, int32_t at, float *best, int32_t *index) {
  float most = *best;
  int32_t where = *index;
  for (int64_t i = 0; i < count; ++i) {
    const bool better = beats(x[i], most);
    most = better ? x[i] : most;
    where = better ? at + static_cast<int32_t>(i) : where;
  }
  *best = most;
  *index = where;
}

}  // namespace dlc::DLC_ISA
