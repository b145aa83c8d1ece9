// Tiles of n x n elements, n a power of two: rows i and i + n/2 are interleaved into rows 2i and 2i + 1, log n times.
// The last tile of a row or column overlaps the one before; planes of two or three rows or columns have loops of their
// own.
#include "transpose_tile.h"

#include <utility>

namespace dlc::DLC_ISA {
namespace {

// Vectors of n elements.
template <typename T, int N>
struct Lanes;
#define DLC_LANES(type, n)                                                                               \
  template <>                                                                                            \
  struct Lanes<type, n> {                                                                                \
    using Vec __attribute__((vector_size(n * sizeof(type)))) = type;                                     \
    using VecAt __attribute__((vector_size(n * sizeof(type)), aligned(sizeof(type)), may_alias)) = type; \
  };
DLC_LANES(uint32_t, 4)
DLC_LANES(uint32_t, 8)
DLC_LANES(uint32_t, 16)
DLC_LANES(uint16_t, 4)
DLC_LANES(uint16_t, 8)
DLC_LANES(uint16_t, 16)
#undef DLC_LANES

// The largest tile that registers hold.
template <typename T>
constexpr int kMost = 4;
#if defined(__AVX512F__)
template <>
constexpr int kMost<uint32_t> = 16;
template <>
constexpr int kMost<uint16_t> = 16;
#elif defined(__AVX2__)
template <>
constexpr int kMost<uint32_t> = 8;
template <>
constexpr int kMost<uint16_t> = 8;
#else
template <>
constexpr int kMost<uint16_t> = 8;
#endif

template <int N, typename Vec, int... J>
inline __attribute__((always_inline)) void interleave(const Vec *from, Vec *to, std::integer_sequence<int, J...>) {
#pragma GCC unroll 8
  for (int i = 0; i < N / 2; ++i) {
    to[2 * i] = __builtin_shufflevector(from[i], from[i + N / 2], (J / 2 + (J % 2) * N)...);
    to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + N / 2], (N / 2 + J / 2 + (J % 2) * N)...);
  }
}

template <typename T, int N>
inline __attribute__((always_inline)) void tile(const T *src, ptrdiff_t src_pitch, T *dst, ptrdiff_t dst_pitch) {
  using Vec = typename Lanes<T, N>::Vec;
  using VecAt = typename Lanes<T, N>::VecAt;
  constexpr auto kAll = std::make_integer_sequence<int, N>();
  Vec a[N], b[N];
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) a[i] = *reinterpret_cast<const VecAt *>(src + i * src_pitch);
  interleave<N>(a, b, kAll);
  interleave<N>(b, a, kAll);
  if constexpr (N >= 8) {
    interleave<N>(a, b, kAll);
    if constexpr (N >= 16) {
      interleave<N>(b, a, kAll);
    } else {
#pragma GCC unroll 16
      for (int i = 0; i < N; ++i) a[i] = b[i];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) *reinterpret_cast<VecAt *>(dst + i * dst_pitch) = a[i];
}

// A few tiles along the longer side, for all of the shorter one, and then the next: lines are whole before they leave
// the cache, though neighbours across may be pages apart.
template <typename T, int N>
void tiles(const T *src, ptrdiff_t src_pitch, int64_t rows, int64_t columns, T *dst, ptrdiff_t dst_pitch) {
  constexpr int64_t kAlong = 4 * N;
  const bool by_rows = rows > columns;
  const int64_t longer = by_rows ? rows : columns, shorter = by_rows ? columns : rows;
  for (int64_t block = 0; block < longer; block += kAlong) {
    const int64_t end = block + kAlong < longer ? block + kAlong : longer;
    for (int64_t across = 0; across < shorter; across += N) {
      const int64_t s = across + N <= shorter ? across : shorter - N;
      for (int64_t along = block; along < end; along += N) {
        const int64_t l = along + N <= longer ? along : longer - N;
        const int64_t r = by_rows ? l : s, c = by_rows ? s : l;
        tile<T, N>(src + r * src_pitch + c, src_pitch, dst + c * dst_pitch + r, dst_pitch);
      }
    }
  }
}

// Few rows, known to the compiler; Dense: dst_pitch is Rows.
template <typename T, int Rows, bool Dense>
void few_rows(const T *__restrict src, ptrdiff_t src_pitch, int64_t columns, T *__restrict dst, ptrdiff_t dst_pitch) {
  const ptrdiff_t pitch = Dense ? Rows : dst_pitch;
  for (int64_t c = 0; c < columns; ++c) {
    for (int r = 0; r < Rows; ++r) dst[c * pitch + r] = src[r * src_pitch + c];
  }
}

// Few columns; Dense: src_pitch is Columns.
template <typename T, int Columns, bool Dense>
void few_columns(const T *__restrict src, ptrdiff_t src_pitch, int64_t rows, T *__restrict dst, ptrdiff_t dst_pitch) {
  const ptrdiff_t pitch = Dense ? Columns : src_pitch;
  for (int64_t r = 0; r < rows; ++r) {
    for (int c = 0; c < Columns; ++c) dst[c * dst_pitch + r] = src[r * pitch + c];
  }
}

template <typename T, int Few>
void narrow_plane(const T *src, ptrdiff_t src_pitch, int64_t rows, int64_t columns, T *dst, ptrdiff_t dst_pitch) {
  if (rows == Few) {
    if (dst_pitch == Few) return few_rows<T, Few, true>(src, src_pitch, columns, dst, dst_pitch);
    return few_rows<T, Few, false>(src, src_pitch, columns, dst, dst_pitch);
  }
  if (src_pitch == Few) return few_columns<T, Few, true>(src, src_pitch, rows, dst, dst_pitch);
  return few_columns<T, Few, false>(src, src_pitch, rows, dst, dst_pitch);
}

template <typename T>
void plane(const T *src, ptrdiff_t src_pitch, int64_t rows, int64_t columns, T *dst, ptrdiff_t dst_pitch) {
  const int64_t least = rows < columns ? rows : columns;
  if constexpr (kMost<T> >= 16) {
    if (least >= 16) return tiles<T, 16>(src, src_pitch, rows, columns, dst, dst_pitch);
  }
  if constexpr (kMost<T> >= 8) {
    if (least >= 8) return tiles<T, 8>(src, src_pitch, rows, columns, dst, dst_pitch);
  }
  switch (least) {
    case 0:
      return;
    case 1:
      return narrow_plane<T, 1>(src, src_pitch, rows, columns, dst, dst_pitch);
    case 2:
      return narrow_plane<T, 2>(src, src_pitch, rows, columns, dst, dst_pitch);
    case 3:
      return narrow_plane<T, 3>(src, src_pitch, rows, columns, dst, dst_pitch);
    default:
      return tiles<T, 4>(src, src_pitch, rows, columns, dst, dst_pitch);
  }
}

}  // namespace

void transpose_plane(const uint32_t *src, ptrdiff_t src_pitch, int64_t rows, int64_t columns, uint32_t *dst,
                     ptrdiff_t dst_pitch) {
  plane(src, src_pitch, rows, columns, dst, dst_pitch);
}
void transpose_plane_halves(const uint16_t *src, ptrdiff_t src_pitch, int64_t rows, int64_t columns, uint16_t *dst,
                            ptrdiff_t dst_pitch) {
  plane(src, src_pitch, rows, columns, dst, dst_pitch);
}

}  // namespace dlc::DLC_ISA
