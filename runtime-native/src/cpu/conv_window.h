// Where the input elements of a block of output pixels are: in the image itself when none is outside of it, else in a
// copy with zeros around. Either way an element is at a fixed distance from its pixel's first one, so the inner loop
// adds one table entry for each tap and never asks about borders. The block lies in one output plane (one depth).
#pragma once

#include <cstdint>
#include <vector>

#include "conv_rows.h"
#include "conv_shape.h"

namespace dlc {

struct ConvBlock {
  int64_t depth, row, rows, column, columns;  // output coordinates
};

class ConvWindow {
 public:
  ConvWindow() = default;
  // For blocks of at most `rows` x `columns`.
  ConvWindow(const ConvShape &shape, int64_t rows, int64_t columns);

  bool direct() const { return direct_; }
  // Floats that a copy of one channel takes; 0 when direct.
  int64_t copy_floats() const { return direct_ ? 0 : channel_; }
  int64_t channel() const { return channel_; }
  // Distance of vertically neighbouring output pixels.
  int64_t pixel_row() const { return shape_.stride[1] * pitch_; }
  int64_t pixel_column() const { return shape_.stride[2]; }
  // For `channels` channels: the distance of each (channel, tap) from its pixel.
  std::vector<int32_t> tap_offsets(int64_t channels) const;
  int64_t tap_offset(int64_t tap) const;

  // Channels of one image, from channel 0 of `image` on, around `block`: the first pixel's first element. Copies into
  // `copy` unless direct.
  const float *read(const float *image, int64_t channels, const ConvBlock &block, float *copy) const;

 private:
  ConvShape shape_;
  bool direct_ = true;
  decltype(&baseline::copy_padded) copy_rows_ = nullptr;
  int64_t rows_ = 0, pitch_ = 0, plane_ = 0, channel_ = 0;
};

}  // namespace dlc
