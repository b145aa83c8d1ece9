// The transforms of Winograd's minimal filtering F(4x4, 3x3): 4x4 outputs of a 3x3 convolution of stride 1 from 6x6
// inputs with 36 products instead of 144,
//   Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A,
// interpolated at 0, ±√½, ±√2 and infinity, which lose fewer digits than whole numbers do; for channels that lie side
// by side. Lavin and Gray, "Fast algorithms for convolutional neural networks" (2016).
#pragma once

#include <cstddef>
#include <cstdint>

#include "../isa.h"

namespace dlc {

inline constexpr int kWinogradTile = 4;     // outputs along an axis
inline constexpr int kWinogradPatch = 6;    // inputs along an axis
inline constexpr int kWinogradPoints = 36;  // products of a tile
// Channels come in multiples of this.
inline constexpr int64_t kWinogradChannels = 16;

// A rectangle of pixels; those outside of [top, bottom) x [left, right) are not touched, and count as 0.
struct WinogradPixels {
  ptrdiff_t row = 0, pixel = 0;  // distances in floats
  int top = 0, bottom = 0, left = 0, right = 0;
};

struct WinogradEpilogue {
  const float *bias = nullptr;      // one for each channel
  const float *residual = nullptr;  // at y's places
  bool clamps = false;
  float low = 0, high = 0;
};

DLC_PER_ISA(
    // v[e * point + c] = (Bᵀ d B)[e] of the 6x6 pixels at x.
    void winograd_input(const float *x, const WinogradPixels &at, int64_t channels, float *v, ptrdiff_t point);
    // The 4x4 pixels at y: Aᵀ m A, and the epilogue.
    void winograd_output(const float *m, ptrdiff_t point, int64_t channels, const WinogradEpilogue &epilogue, float *y,
                         const WinogradPixels &at);
    // u[e * point + k] = (G g Gᵀ)[e], tap t of g at g[t * tap + k].
    void winograd_weight(const float *g, ptrdiff_t tap, int64_t channels, float *u, ptrdiff_t point);
    // The transposes of the two, for the gradient of the weights, dg = Gᵀ [(Bᵀ d B) ⊙ (A dY Aᵀ)] G:
    // z[e * point + k] = (A dY Aᵀ)[e] of the 4x4 pixels at dy, and g[t * tap + k] = (Gᵀ u G)[t].
    void winograd_gradient(const float *dy, const WinogradPixels &at, int64_t channels, float *z, ptrdiff_t point);
    void winograd_weight_gradient(const float *u, ptrdiff_t point, int64_t channels, float *g, ptrdiff_t tap);)

}  // namespace dlc
