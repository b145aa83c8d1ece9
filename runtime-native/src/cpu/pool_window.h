// The windows of a pooling, with one to three spatial axes held as three (depth, height, width).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "../kernel.h"

namespace dlc {

struct PoolWindow {
  using Axes = std::array<int64_t, 3>;
  int64_t planes = 0;  // images x channels
  Axes in = {1, 1, 1}, out = {1, 1, 1}, kernel = {1, 1, 1}, stride = {1, 1, 1}, low = {0, 0, 0}, high = {0, 0, 0};

  int64_t in_plane() const { return in[0] * in[1] * in[2]; }
  int64_t out_plane() const { return out[0] * out[1] * out[2]; }
  // Inputs [first, last) of output o that exist; never empty.
  int64_t first(size_t axis, int64_t o) const { return std::max<int64_t>(0, o * stride[axis] - low[axis]); }
  int64_t last(size_t axis, int64_t o) const { return std::min(in[axis], o * stride[axis] - low[axis] + kernel[axis]); }
  // Outputs [begin, end) along an axis whose taps are all inside the image, before and behind.
  struct Inner {
    int64_t begin, end;
  };
  Inner inner(size_t axis = 2) const {
    const int64_t begin = std::min((low[axis] + stride[axis] - 1) / stride[axis], out[axis]);
    const int64_t fit = in[axis] + low[axis] - kernel[axis];
    return {begin, std::clamp(fit < 0 ? 0 : fit / stride[axis] + 1, begin, out[axis])};
  }
};

// Outputs of a row are handled in pieces of this many, held in L1.
inline constexpr int64_t kPoolPiece = 256;
// Planes are grouped into tasks of about this many elements.
inline constexpr int64_t kPoolTaskElements = 16384;

// Checks attributes and shapes against each other; throws DLC_BAD_PLAN.
PoolWindow pool_window(const std::vector<int64_t> &x, const std::vector<int64_t> &y, const Attrs &attrs);
// By what the sum of a window is divided: a number for each axis and output position.
struct PoolDivisors {
  std::array<std::vector<float>, 3> axes;

  PoolDivisors(const PoolWindow &window, const Attrs &attrs, size_t spatial);
  // Of a row of outputs: a number for all of them, and one for each.
  float row(int64_t d, int64_t h) const { return axes[0][static_cast<size_t>(d)] * axes[1][static_cast<size_t>(h)]; }
  const float *columns() const { return axes[2].data(); }
};

// One number for each spatial axis, as three.
PoolWindow::Axes pool_axes(const Attrs &attrs, std::string_view key, size_t spatial, int64_t least);

}  // namespace dlc
