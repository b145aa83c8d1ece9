// The input of a block of one channel's outputs, copied with zeros around it and cut into planes by residue of the
// strides: what neighbouring outputs read at one tap then lies side by side, whatever the stride.
#pragma once

#include <cstdint>
#include <vector>

#include "conv_rows.h"
#include "conv_shape.h"
#include "conv_window.h"

namespace dlc {

class PhaseWindow {
 public:
  PhaseWindow() = default;
  // For blocks of at most `rows` x `columns`.
  PhaseWindow(const ConvShape &shape, int64_t rows, int64_t columns);

  // With kDepthwiseSlack behind the last plane, which holds numbers behind what was read.
  int64_t floats() const { return planes_ * plane_ + kDepthwiseSlack; }
  // Distance of vertically neighbouring outputs.
  int64_t pitch() const { return pitch_; }
  // Where each tap begins, from the block's first output on.
  const std::vector<int32_t> &offsets() const { return offsets_; }
  // `channel`: the input volume of one channel.
  void read(const float *channel, const ConvBlock &block, float *copy) const;

 private:
  ConvShape shape_;
  int64_t pitch_ = 0, plane_ = 0, planes_ = 0;
  std::vector<bool> used_;  // of the planes; a tap reads it
  std::vector<int32_t> offsets_;
  decltype(&baseline::copy_padded) copy_padded_ = DLC_DISPATCH(copy_padded);
  decltype(&baseline::copy_strided) copy_strided_ = DLC_DISPATCH(copy_strided);
};

}  // namespace dlc
