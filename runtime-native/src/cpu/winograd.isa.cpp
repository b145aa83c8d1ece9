// Winograd's transforms, a vector of channels at a time: columns first, then rows.
#include "winograd.h"

namespace dlc::DLC_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

using Vec __attribute__((vector_size(kLanes * 4))) = float;
using VecAt __attribute__((vector_size(kLanes * 4), aligned(4), may_alias)) = float;

#define DLC_INLINE inline __attribute__((always_inline))

DLC_INLINE Vec load(const float *from) {
  return *reinterpret_cast<const VecAt *>(from);
}

DLC_INLINE void store(float *to, Vec value) {
  *reinterpret_cast<VecAt *>(to) = value;
}

constexpr float kRoot = 1.41421356f;
constexpr float kHalfRoot = 0.70710678f;

// Bᵀ of six values.
DLC_INLINE void input_line(const Vec *d, Vec *t) {
  const Vec near = d[4] - 2.0f * d[2], near_odd = kHalfRoot * (d[3] - 2.0f * d[1]);
  const Vec far = d[4] - 0.5f * d[2], far_odd = kRoot * (d[3] - 0.5f * d[1]);
  t[0] = d[0] - 2.5f * d[2] + d[4];
  t[1] = near + near_odd;
  t[2] = near - near_odd;
  t[3] = far + far_odd;
  t[4] = far - far_odd;
  t[5] = d[1] - 2.5f * d[3] + d[5];
}

// Aᵀ of six values.
DLC_INLINE void output_line(const Vec *m, Vec *y) {
  const Vec near = m[1] + m[2], near_odd = kHalfRoot * (m[1] - m[2]);
  const Vec far = m[3] + m[4], far_odd = kRoot * (m[3] - m[4]);
  y[0] = m[0] + near + far;
  y[1] = near_odd + far_odd;
  y[2] = 0.5f * near + 2.0f * far;
  y[3] = 0.5f * near_odd + 2.0f * far_odd + m[5];
}

// G of three values.
DLC_INLINE void weight_line(const Vec *g, Vec *u) {
  const Vec near = g[0] * (-2.0f / 3) + g[2] * (-1.0f / 3), near_odd = g[1] * (-kRoot / 3);
  const Vec far = g[0] * (1.0f / 6) + g[2] * (1.0f / 3), far_odd = g[1] * (kRoot / 6);
  u[0] = g[0];
  u[1] = near + near_odd;
  u[2] = near - near_odd;
  u[3] = far + far_odd;
  u[4] = far - far_odd;
  u[5] = g[2];
}

// A of four values.
DLC_INLINE void gradient_line(const Vec *y, Vec *z) {
  const Vec near = y[0] + 0.5f * y[2], near_odd = kHalfRoot * (y[1] + 0.5f * y[3]);
  const Vec far = y[0] + 2.0f * y[2], far_odd = kRoot * (y[1] + 2.0f * y[3]);
  z[0] = y[0];
  z[1] = near + near_odd;
  z[2] = near - near_odd;
  z[3] = far + far_odd;
  z[4] = far - far_odd;
  z[5] = y[3];
}

// Gᵀ of six values.
DLC_INLINE void weight_gradient_line(const Vec *u, Vec *g) {
  const Vec near = u[1] + u[2], far = u[3] + u[4];
  g[0] = u[0] + near * (-2.0f / 3) + far * (1.0f / 6);
  g[1] = (u[1] - u[2]) * (-kRoot / 3) + (u[3] - u[4]) * (kRoot / 6);
  g[2] = near * (-1.0f / 3) + far * (1.0f / 3) + u[5];
}

template <bool Whole>
void input(const float *x, const WinogradPixels &at, int64_t channels, float *v, ptrdiff_t point) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    Vec lines[kWinogradPatch][kWinogradPatch];  // [column][point of the column]
#pragma GCC unroll 6
    for (int j = 0; j < kWinogradPatch; ++j) {
      Vec d[kWinogradPatch];
#pragma GCC unroll 6
      for (int i = 0; i < kWinogradPatch; ++i) {
        const bool inside = Whole || (i >= at.top && i < at.bottom && j >= at.left && j < at.right);
        d[i] = inside ? load(x + i * at.row + j * at.pixel + c) : Vec{};
      }
      input_line(d, lines[j]);
    }
#pragma GCC unroll 6
    for (int i = 0; i < kWinogradPatch; ++i) {
      Vec row[kWinogradPatch], t[kWinogradPatch];
#pragma GCC unroll 6
      for (int j = 0; j < kWinogradPatch; ++j) row[j] = lines[j][i];
      input_line(row, t);
#pragma GCC unroll 6
      for (int j = 0; j < kWinogradPatch; ++j) store(v + (i * kWinogradPatch + j) * point + c, t[j]);
    }
  }
}

}  // namespace

void winograd_input(const float *x, const WinogradPixels &at, int64_t channels, float *v, ptrdiff_t point) {
  const bool whole = at.top == 0 && at.left == 0 && at.bottom == kWinogradPatch && at.right == kWinogradPatch;
  (whole ? input<true> : input<false>)(x, at, channels, v, point);
}

void winograd_output(const float *m, ptrdiff_t point, int64_t channels, const WinogradEpilogue &epilogue, float *y,
                     const WinogradPixels &at) {
  for (int64_t k = 0; k < channels; k += kLanes) {
    Vec lines[kWinogradPatch][kWinogradTile];  // [column][row of the tile]
#pragma GCC unroll 6
    for (int j = 0; j < kWinogradPatch; ++j) {
      Vec column[kWinogradPatch];
#pragma GCC unroll 6
      for (int i = 0; i < kWinogradPatch; ++i) column[i] = load(m + (i * kWinogradPatch + j) * point + k);
      output_line(column, lines[j]);
    }
    const Vec bias = epilogue.bias == nullptr ? Vec{} : load(epilogue.bias + k);
#pragma GCC unroll 4
    for (int i = 0; i < kWinogradTile; ++i) {
      if (i < at.top || i >= at.bottom) continue;
      Vec row[kWinogradPatch], values[kWinogradTile];
#pragma GCC unroll 6
      for (int j = 0; j < kWinogradPatch; ++j) row[j] = lines[j][i];
      output_line(row, values);
#pragma GCC unroll 4
      for (int j = 0; j < kWinogradTile; ++j) {
        if (j < at.left || j >= at.right) continue;
        const ptrdiff_t place = i * at.row + j * at.pixel + k;
        Vec value = values[j] + bias;
        if (epilogue.residual != nullptr) value += load(epilogue.residual + place);
        if (epilogue.clamps) {  // keeps NaN
          const Vec low = epilogue.low - Vec{}, high = epilogue.high - Vec{};
          value = value < low ? low : value;
          value = value > high ? high : value;
        }
        store(y + place, value);
      }
    }
  }
}

void winograd_weight(const float *g, ptrdiff_t tap, int64_t channels, float *u, ptrdiff_t point) {
  for (int64_t k = 0; k < channels; k += kLanes) {
    Vec lines[3][kWinogradPatch];  // [column][point of the column]
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) {
      const Vec column[3] = {load(g + j * tap + k), load(g + (3 + j) * tap + k), load(g + (6 + j) * tap + k)};
      weight_line(column, lines[j]);
    }
#pragma GCC unroll 6
    for (int i = 0; i < kWinogradPatch; ++i) {
      const Vec row[3] = {lines[0][i], lines[1][i], lines[2][i]};
      Vec values[kWinogradPatch];
      weight_line(row, values);
#pragma GCC unroll 6
      for (int j = 0; j < kWinogradPatch; ++j) store(u + (i * kWinogradPatch + j) * point + k, values[j]);
    }
  }
}

void winograd_gradient(const float *dy, const WinogradPixels &at, int64_t channels, float *z, ptrdiff_t point) {
  for (int64_t k = 0; k < channels; k += kLanes) {
    Vec lines[kWinogradTile][kWinogradPatch];  // [column][point of the column]
#pragma GCC unroll 4
    for (int j = 0; j < kWinogradTile; ++j) {
      Vec column[kWinogradTile];
#pragma GCC unroll 4
      for (int i = 0; i < kWinogradTile; ++i) {
        const bool inside = i >= at.top && i < at.bottom && j >= at.left && j < at.right;
        column[i] = inside ? load(dy + i * at.row + j * at.pixel + k) : Vec{};
      }
      gradient_line(column, lines[j]);
    }
#pragma GCC unroll 6
    for (int i = 0; i < kWinogradPatch; ++i) {
      const Vec row[kWinogradTile] = {lines[0][i], lines[1][i], lines[2][i], lines[3][i]};
      Vec values[kWinogradPatch];
      gradient_line(row, values);
#pragma GCC unroll 6
      for (int j = 0; j < kWinogradPatch; ++j) store(z + (i * kWinogradPatch + j) * point + k, values[j]);
    }
  }
}

void winograd_weight_gradient(const float *u, ptrdiff_t point, int64_t channels, float *g, ptrdiff_t tap) {
  for (int64_t k = 0; k < channels; k += kLanes) {
    Vec lines[kWinogradPatch][3];  // [column][row of the kernel]
#pragma GCC unroll 6
    for (int j = 0; j < kWinogradPatch; ++j) {
      Vec column[kWinogradPatch];
#pragma GCC unroll 6
      for (int i = 0; i < kWinogradPatch; ++i) column[i] = load(u + (i * kWinogradPatch + j) * point + k);
      weight_gradient_line(column, lines[j]);
    }
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) {
      Vec row[kWinogradPatch], values[3];
#pragma GCC unroll 6
      for (int j = 0; j < kWinogradPatch; ++j) row[j] = lines[j][i];
      weight_gradient_line(row, values);
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j) store(g + (3 * i + j) * tap + k, values[j]);
    }
  }
}

}  // namespace dlc::DLC_ISA
