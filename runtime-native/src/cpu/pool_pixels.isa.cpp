// Loops of pool_pixels.h: vectors of 16, 8 or 4 channels, of which the last overlaps the one before; fewer channels
// than four one by one.
#include "pool_pixels.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "stored.h"

namespace dlc::DLC_ISA {
namespace {

#define DLC_INLINE inline __attribute__((always_inline))

// Vectors of a length. One by one: where it depends on a template GCC does not convert them.
template <int Lanes>
struct Types;
#define DLC_TYPES(lanes)                                                                      \
  template <>                                                                                 \
  struct Types<lanes> {                                                                       \
    using Floats __attribute__((vector_size(lanes * 4))) = float;                             \
    using FloatsAt __attribute__((vector_size(lanes * 4), aligned(4), may_alias)) = float;    \
    using Ints __attribute__((vector_size(lanes * 4))) = int32_t;                             \
    using IntsAt __attribute__((vector_size(lanes * 4), aligned(4), may_alias)) = int32_t;    \
    using Words __attribute__((vector_size(lanes * 4))) = uint32_t;                           \
    using Halves __attribute__((vector_size(lanes * 2))) = uint16_t;                          \
    using HalvesAt __attribute__((vector_size(lanes * 2), aligned(2), may_alias)) = uint16_t; \
  };
DLC_TYPES(4)
DLC_TYPES(8)
DLC_TYPES(16)
#undef DLC_TYPES
template <>
struct Types<1> {
  using Floats = float;
  using FloatsAt = float;
  using Ints = int32_t;
  using IntsAt = int32_t;
  using Words = uint32_t;
};

template <int Lanes>
struct Vectors {
  using Floats = typename Types<Lanes>::Floats;
  using FloatsAt = typename Types<Lanes>::FloatsAt;
  using Ints = typename Types<Lanes>::Ints;
  using IntsAt = typename Types<Lanes>::IntsAt;
  using Words = typename Types<Lanes>::Words;
  static DLC_INLINE Floats read(const float *x) { return *reinterpret_cast<const FloatsAt *>(x); }
  static DLC_INLINE Floats read(const Bf16 *x) {
    if constexpr (Lanes == 1) {
      return widened(*x);
    } else {
      const typename Types<Lanes>::Halves halves = *reinterpret_cast<const typename Types<Lanes>::HalvesAt *>(x);
      return reinterpret_cast<Floats>(__builtin_convertvector(halves, Words) << 16);
    }
  }
  static DLC_INLINE void write(Floats x, float *to) { *reinterpret_cast<FloatsAt *>(to) = x; }
  // To nearest, ties to even; NaN stays NaN.
  static DLC_INLINE void write(Floats x, Bf16 *to) {
    if constexpr (Lanes == 1) {
      store(x, to);
    } else {
      const Words bits = reinterpret_cast<Words>(x);
      const Words nearest = bits + 0x7fffu + ((bits >> 16) & 1u);
      const Words rounded = x == x ? nearest : bits | 0x400000u;
      *reinterpret_cast<typename Types<Lanes>::HalvesAt *>(to) =
          __builtin_convertvector(rounded >> 16, typename Types<Lanes>::Halves);
    }
  }

  // `value` takes the place of `best` where it is greater, or the first NaN.
  static DLC_INLINE void take(Floats value, int32_t now, Floats &best, Ints &where) {
#if defined(__AVX512F__)
    if constexpr (Lanes == 16) {
      const __mmask16 number = _mm512_cmp_ps_mask(best, best, _CMP_ORD_Q);
      const __mmask16 better = _mm512_mask_cmp_ps_mask(number, value, best, _CMP_NLE_UQ);
      best = _mm512_mask_mov_ps(best, better, value);
      where = reinterpret_cast<Ints>(_mm512_mask_set1_epi32(reinterpret_cast<__m512i>(where), better, now));
      return;
    }
#endif
    const auto behind = value <= best, number = best == best;
    if constexpr (Lanes == 1) {
      // In bits, since nobody foresees which way a branch would go.
      const int32_t better = -static_cast<int32_t>(!behind & number);
      best = from_bits((to_bits(value) & better) | (to_bits(best) & ~better));
      where = (now & better) | (where & ~better);
    } else {
      const Ints better = ~behind & number;
      best = better ? value : best;
      where = better ? now - Ints{} : where;
    }
  }

  // Taps known to the compiler, or 0.
  template <int Taps, typename T>
  static DLC_INLINE void maximum(const PoolWindows<T> &w, const T *x, int32_t place, T *y, int32_t *index) {
    const int64_t taps = Taps == 0 ? w.taps : Taps;
    Floats best = -kInf - Floats{};
    Ints where = place - Ints{};
    for (int64_t q = 0; q < w.depths; ++q) {
      const T *row = x + q * w.depth_pitch;
      int32_t first = place + static_cast<int32_t>(q) * w.depth_places;
      for (int64_t r = 0; r < w.rows; ++r, row += w.row_pitch, first += w.row_places) {
        const T *at = row;
#pragma GCC unroll 3
        for (int64_t s = 0; s < taps; ++s, at += w.channels)
          take(read(at), first + static_cast<int32_t>(s), best, where);
      }
    }
    if (y != nullptr) write(best, y);
    if (index != nullptr) *reinterpret_cast<IntsAt *>(index) = where;
  }

  template <typename T>
  static DLC_INLINE void sum(const PoolWindows<T> &w, const T *x, float share, T *y) {
    Floats total = Floats{};
    for (int64_t q = 0; q < w.depths; ++q) {
      for (int64_t r = 0; r < w.rows; ++r) {
        const T *at = x + q * w.depth_pitch + r * w.row_pitch;
        Floats row = read(at);
        for (int64_t s = 1; s < w.taps; ++s) row += read(at + s * w.channels);
        total += row;
      }
    }
    write(total * share, y);
  }

  template <typename T>
  static DLC_INLINE void share(const PoolShares<T> &row, int64_t first, int64_t last, int64_t channel, T *dx) {
    Floats total = Floats{};
    for (int64_t q = 0; q < row.depths; ++q) {
      for (int64_t r = 0; r < row.rows; ++r) {
        const T *at = row.dy + q * row.depth_pitch + r * row.row_pitch + first * row.channels + channel;
        const float by = row.depth_shares[q] * row.row_shares[r];
        for (int64_t s = first; s < last; ++s, at += row.channels) total += read(at) * (by * row.column_shares[s]);
      }
    }
    write(total, dx);
  }
};

// Calls f(a null pointer of vectors, first channel) for all channels.
template <int Lanes, typename F>
DLC_INLINE void each_vector(int64_t channels, F f) {
  for (int64_t c = 0; c < channels; c += Lanes) {
    f(static_cast<Vectors<Lanes> *>(nullptr), c + Lanes <= channels ? c : channels - Lanes);
  }
}

// Calls run(the lanes to take) once.
template <typename F>
DLC_INLINE void with_lanes(int64_t channels, F run) {
#if defined(__AVX512F__)
  if (channels >= 16) return run([](int64_t all, auto f) { each_vector<16>(all, f); });
#endif
#if defined(__AVX2__)
  if (channels >= 8) return run([](int64_t all, auto f) { each_vector<8>(all, f); });
#endif
  if (channels >= 4) return run([](int64_t all, auto f) { each_vector<4>(all, f); });
  run([](int64_t all, auto f) { each_vector<1>(all, f); });
}

template <int Taps, typename T>
void maxima_of(const PoolWindows<T> w, T *y, int32_t *index) {
  with_lanes(w.channels, [&](auto each) {
    for (int64_t o = 0; o < w.count; ++o) {
      const int32_t place = w.place + static_cast<int32_t>(o * w.step_places);
      const int64_t to = o * w.channels;
      each(w.channels, [&](auto *vectors, int64_t c) {
        vectors->template maximum<Taps>(w, w.x + o * w.step + c, place, y == nullptr ? nullptr : y + to + c,
                                        index == nullptr ? nullptr : index + to + c);
      });
    }
  });
}

template <typename T>
void maxima(const PoolWindows<T> &windows, T *y, int32_t *index) {
  if (windows.taps == 2) return maxima_of<2>(windows, y, index);
  if (windows.taps == 3) return maxima_of<3>(windows, y, index);
  maxima_of<0>(windows, y, index);
}

template <typename T>
void sums(const PoolWindows<T> &w, const float *shares, T *y) {
  with_lanes(w.channels, [&](auto each) {
    for (int64_t o = 0; o < w.count; ++o) {
      each(w.channels,
           [&](auto *vectors, int64_t c) { vectors->sum(w, w.x + o * w.step + c, shares[o], y + o * w.channels + c); });
    }
  });
}

template <typename T>
void spread(const PoolShares<T> &row, T *dx) {
  with_lanes(row.channels, [&](auto each) {
    for (int64_t i = 0; i < row.count; ++i) {
      each(row.channels, [&](auto *vectors, int64_t c) {
        vectors->share(row, row.first[i], row.last[i], c, dx + i * row.channels + c);
      });
    }
  });
}

template <typename T>
void collect(const PoolWinners<T> &all) {
  const auto extent = static_cast<uint64_t>(all.high - all.low);
  for (int64_t o = 0; o < all.pixels; ++o) {
    const T *const dy = all.dy + o * all.pitch;
    const int32_t *const index = all.index + o * all.pitch;
    int64_t c = 0;
#if defined(__AVX512F__)
    // Channels of one pixel never meet in one sum.
    const bool reachable = all.sums_pitch * (all.high - all.low) <= INT32_MAX;
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (; reachable && c + 16 <= all.width; c += 16) {
      const __m512i at =
          _mm512_sub_epi32(_mm512_loadu_si512(index + c), _mm512_set1_epi32(static_cast<int32_t>(all.low)));
      const __mmask16 mine = _mm512_cmplt_epu32_mask(at, _mm512_set1_epi32(static_cast<int32_t>(extent)));
      const __m512i places =
          _mm512_add_epi32(_mm512_mullo_epi32(at, _mm512_set1_epi32(static_cast<int32_t>(all.sums_pitch))), lanes);
      const __m512 sums = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mine, places, all.sums + c, 4);
      _mm512_mask_i32scatter_ps(all.sums + c, mine, places, sums + Vectors<16>::read(dy + c), 4);
    }
#endif
    for (; c < all.width; ++c) {
      const int64_t at = index[c] - all.low;
      if (static_cast<uint64_t>(at) < extent) all.sums[at * all.sums_pitch + c] += widened(dy[c]);
    }
  }
}

template <typename T>
PoolPixels<T> loops_of() {
  return {maxima<T>, sums<T>, spread<T>, collect<T>};
}

}  // namespace

PoolPixels<float> pool_pixels() {
  return loops_of<float>();
}
PoolPixels<Bf16> pool_pixels_bf16() {
  return loops_of<Bf16>();
}

void index_range(const int32_t *index, int64_t rows, int64_t pitch, int64_t width, int32_t *least, int32_t *most) {
  int32_t low = INT32_MAX, high = INT32_MIN;
  for (int64_t r = 0; r < rows; ++r) {
    const int32_t *const row = index + r * pitch;
    for (int64_t i = 0; i < width; ++i) {
      low = row[i] < low ? row[i] : low;
      high = row[i] > high ? row[i] : high;
    }
  }
  *least = low;
  *most = high;
}

}  // namespace dlc::DLC_ISA
