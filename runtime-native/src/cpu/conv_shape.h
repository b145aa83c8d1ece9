// The extents of a convolution, with one to three spatial axes held as three (depth, height, width; missing ones are
// 1). C input and K output channels, G groups of Cg and Kg.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "../kernel.h"

namespace dlc {

struct ConvShape {
  using Axes = std::array<int64_t, 3>;
  int64_t n = 0, c = 0, k = 0, groups = 1, cg = 0, kg = 0;
  Axes in = {1, 1, 1}, out = {1, 1, 1}, kernel = {1, 1, 1};
  Axes stride = {1, 1, 1}, dilation = {1, 1, 1}, low = {0, 0, 0}, high = {0, 0, 0};

  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t in_plane() const { return in[0] * in[1] * in[2]; }
  int64_t out_plane() const { return out[0] * out[1] * out[2]; }
  // Products that make one output element.
  int64_t depth() const { return cg * taps(); }
  // No element of the input is outside of it, so it can be read where it is.
  bool in_bounds() const;
  // The convolution of dy with flipped weights that gives dx; only for stride 1 and padding below the kernel's reach.
  bool has_adjoint() const;
  ConvShape adjoint() const;
};

// Checks attributes and shapes of x, w and y against each other; throws DLC_BAD_PLAN.
ConvShape conv_shape(const std::vector<int64_t> &x, const std::vector<int64_t> &w, const std::vector<int64_t> &y,
                     const Attrs &attrs);

// The shape of y that x and w give; throws DLC_BAD_PLAN where they give none.
std::vector<int64_t> conv_output(const std::vector<int64_t> &x, const std::vector<int64_t> &w, const Attrs &attrs);

}  // namespace dlc
