// Loops of pool_pixels.h: vectors of 16, 8 or 4 channels, of which the last overlaps the one before; fewer channels
// than four one by one.
#include "pool_pixels.h"

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
DLC_TYPES(1)
DLC_TYPES(4)
DLC_TYPES(8)
DLC_TYPES(16)
#undef DLC_TYPES

template <int Lanes>
struct Vectors {
  using Floats = typename Types<Lanes>::Floats;
  using FloatsAt = typename Types<Lanes>::FloatsAt;
  using Ints = typename Types<Lanes>::Ints;
  using IntsAt = typename Types<Lanes>::IntsAt;
  using Words = typename Types<Lanes>::Words;
  using Halves = typename Types<Lanes>::Halves;
  using HalvesAt = typename Types<Lanes>::HalvesAt;

  static DLC_INLINE Floats read(const float *x) { return *reinterpret_cast<const FloatsAt *>(x); }
  static DLC_INLINE Floats read(const Bf16 *x) {
    const Halves halves = *reinterpret_cast<const HalvesAt *>(x);
    return reinterpret_cast<Floats>(__builtin_convertvector(halves, Words) << 16);
  }
  static DLC_INLINE void write(Floats x, float *to) { *reinterpret_cast<FloatsAt *>(to) = x; }
  // To nearest, ties to even; NaN stays NaN.
  static DLC_INLINE void write(Floats x, Bf16 *to) {
    const Words bits = reinterpret_cast<Words>(x);
    const Words nearest = bits + 0x7fffu + ((bits >> 16) & 1u);
    const Words rounded = x == x ? nearest : bits | 0x400000u;
    *reinterpret_cast<HalvesAt *>(to) = __builtin_convertvector(rounded >> 16, Halves);
  }

  template <typename T>
  static DLC_INLINE void maximum(const PoolWindows<T> &w, const T *x, int32_t place, T *y, int32_t *index) {
    Floats best = -kInf - Floats{};
    Ints where = place - Ints{};
    for (int64_t q = 0; q < w.depths; ++q) {
      for (int64_t r = 0; r < w.rows; ++r) {
        const T *at = x + q * w.depth_pitch + r * w.row_pitch;
        int32_t now = place + static_cast<int32_t>(q * w.depth_places + r * w.row_places);
        for (int64_t s = 0; s < w.taps; ++s, at += w.channels, ++now) {
          const Floats value = read(at);
          const Ints behind = value <= best, number = best == best;
          const Ints better = ~behind & number;
          best = better ? value : best;
          where = better ? now - Ints{} : where;
        }
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

template <typename T>
void maxima(const PoolWindows<T> &w, T *y, int32_t *index) {
  with_lanes(w.channels, [&](auto each) {
    for (int64_t o = 0; o < w.count; ++o) {
      const int32_t place = w.place + static_cast<int32_t>(o * w.step_places);
      const int64_t to = o * w.channels;
      each(w.channels, [&](auto *vectors, int64_t c) {
        vectors->maximum(w, w.x + o * w.step + c, place, y == nullptr ? nullptr : y + to + c,
                         index == nullptr ? nullptr : index + to + c);
      });
    }
  });
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
    for (int64_t c = 0; c < all.width; ++c) {
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
