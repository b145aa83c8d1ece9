// Inner loops of pooling: maxima in vectors of outputs, sums first down the columns and then along the row.
#include "pool_rows.h"

#include <utility>

namespace dlc::DLC_ISA {
namespace {

constexpr float kLeast = -__builtin_inff();

// True where `value` takes the place of `best`: greater, or the first NaN.
inline bool beats(float value, float best) {
  return !(value <= best) & (best == best);
}

void max_one(const PoolRow &row, float *best, int32_t *index) {
  *best = kLeast;
  *index = row.at;
  for (int64_t r = 0; r < row.rows; ++r) {
    max_run(row.x + r * row.pitch, row.kernel, row.at + static_cast<int32_t>(r * row.pitch), best, index);
  }
}

// Vectors of 4, 8 or 16 outputs, for strides of 1 and 2.
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

  template <int Stride>
  static void maxima(const PoolRow &row, int64_t o, float *best_out, int32_t *index_out) {
    constexpr auto kAll = std::make_integer_sequence<int, Lanes>();
    Floats best = kLeast - Floats{};
    Ints first, index;
    iota(row.at + static_cast<int32_t>(o * Stride), Stride, first, kAll);
    index = first;
    for (int64_t r = 0; r < row.rows; ++r) {
      const float *x = row.x + r * row.pitch + o * Stride;
      for (int64_t s = 0; s < row.kernel; ++s) {
        Floats value;
        if constexpr (Stride == 1) {
          value = *reinterpret_cast<const FloatsAt *>(x + s);
        } else {
          read_pairs(x + s, value, kAll);
        }
        const Ints behind = value <= best, number = best == best;
        const Ints better = ~behind & number;
        best = better ? value : best;
        index = better ? first + static_cast<int32_t>(r * row.pitch + s) : index;
      }
    }
    *reinterpret_cast<FloatsAt *>(best_out + o) = best;
    *reinterpret_cast<IntsAt *>(index_out + o) = index;
  }
};

// The last vector overlaps the one before it, which costs less than single outputs.
template <int Stride, int Lanes>
void max_vectors(const PoolRow &row, float *best, int32_t *index) {
  for (int64_t o = 0; o < row.count; o += Lanes) {
    Vectors<Lanes>::template maxima<Stride>(row, o + Lanes <= row.count ? o : row.count - Lanes, best, index);
  }
}

template <int Stride>
bool max_by_vectors(const PoolRow &row, float *best, int32_t *index) {
#if defined(__AVX512F__)
  if (row.count >= 16) return max_vectors<Stride, 16>(row, best, index), true;
#endif
#if defined(__AVX2__)
  if (row.count >= 8) return max_vectors<Stride, 8>(row, best, index), true;
#endif
  if (row.count >= 4) return max_vectors<Stride, 4>(row, best, index), true;
  return false;
}

// Kernel and stride known to the compiler, or 0.
template <int Stride, int Kernel>
void add_columns(const float *__restrict columns, const PoolRow &row, float *__restrict sums) {
  const int64_t stride = Stride == 0 ? row.stride : Stride, kernel = Kernel == 0 ? row.kernel : Kernel;
  const int64_t count = row.count;
  for (int64_t o = 0; o < count; ++o) {
    float sum = columns[o * stride];
    for (int64_t s = 1; s < kernel; ++s) sum += columns[o * stride + s];
    sums[o] = sum;
  }
}

// Overwrites all of `columns`.
template <int Stride, int Kernel>
void spread_columns(const float *__restrict shares, const PoolRow &row, float *__restrict columns) {
  const int64_t stride = Stride == 0 ? row.stride : Stride, kernel = Kernel == 0 ? row.kernel : Kernel;
  const int64_t count = row.count, width = (count - 1) * stride + kernel;
  for (int64_t i = 0; i < width; ++i) columns[i] = 0;
  for (int64_t o = 0; o < count; ++o) {
    for (int64_t s = 0; s < kernel; ++s) columns[o * stride + s] += shares[o];
  }
}

}  // namespace

void max_row(const PoolRow &row, float *best, int32_t *index) {
  if (row.stride == 1 && max_by_vectors<1>(row, best, index)) return;
  if (row.stride == 2 && max_by_vectors<2>(row, best, index)) return;
  for (int64_t o = 0; o < row.count; ++o) {
    PoolRow one = row;
    one.x += o * row.stride;
    one.at += static_cast<int32_t>(o * row.stride);
    max_one(one, best + o, index + o);
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

void sum_row(const PoolRow &row, float *__restrict columns, float *__restrict sums) {
  const int64_t width = (row.count - 1) * row.stride + row.kernel;
  for (int64_t i = 0; i < width; ++i) columns[i] = row.x[i];
  for (int64_t r = 1; r < row.rows; ++r) {
    const float *x = row.x + r * row.pitch;
    for (int64_t i = 0; i < width; ++i) columns[i] += x[i];
  }
  if (row.stride == 2 && row.kernel == 2) {
    add_columns<2, 2>(columns, row, sums);
  } else if (row.stride == 2 && row.kernel == 3) {
    add_columns<2, 3>(columns, row, sums);
  } else {
    add_columns<0, 0>(columns, row, sums);
  }
}

void spread_row(const PoolRow &row, const float *__restrict shares, float *__restrict columns, float *__restrict dx) {
  const int64_t width = (row.count - 1) * row.stride + row.kernel;
  if (row.stride == 2 && row.kernel == 2) {
    spread_columns<2, 2>(shares, row, columns);
  } else if (row.stride == 2 && row.kernel == 3) {
    spread_columns<2, 3>(shares, row, columns);
  } else {
    spread_columns<0, 0>(shares, row, columns);
  }
  for (int64_t r = 0; r < row.rows; ++r) {
    float *to = dx + r * row.pitch;
    for (int64_t i = 0; i < width; ++i) to[i] += columns[i];
  }
}

float sum_run(const float *x, int64_t count) {
  constexpr int64_t kLanes = 16;
  float lanes[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += x[i + j];
  }
  for (int64_t j = 0; j < count - whole; ++j) lanes[j] += x[whole + j];
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

}  // namespace dlc::DLC_ISA
