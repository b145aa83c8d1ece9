// Copies parts of an image with zeros around them.
#include "conv_window.h"

#include <algorithm>

namespace dlc {

ConvWindow::ConvWindow(const ConvShape &shape, int64_t rows, int64_t columns)
    : shape_(shape), direct_(shape.in_bounds()), copy_rows_(DLC_DISPATCH(copy_padded)) {
  if (direct_) {
    pitch_ = shape.in[2];
    plane_ = shape.in[1] * shape.in[2] * shape.dilation[0];
    channel_ = shape.in_plane();
  } else {
    rows_ = (rows - 1) * shape.stride[1] + (shape.kernel[1] - 1) * shape.dilation[1] + 1;
    pitch_ = (columns - 1) * shape.stride[2] + (shape.kernel[2] - 1) * shape.dilation[2] + 1;
    plane_ = rows_ * pitch_;  // one plane for each tap along the depth
    channel_ = plane_ * shape.kernel[0];
  }
}

int64_t ConvWindow::tap_offset(int64_t tap) const {
  const int64_t s = tap % shape_.kernel[2], r = tap / shape_.kernel[2] % shape_.kernel[1];
  const int64_t q = tap / shape_.kernel[2] / shape_.kernel[1];
  return q * plane_ + r * shape_.dilation[1] * pitch_ + s * shape_.dilation[2];
}

std::vector<int32_t> ConvWindow::tap_offsets(int64_t channels) const {
  const int64_t taps = shape_.taps();
  require(channels * channel_ < (int64_t{1} << 31), "conv: an image is too large");
  std::vector<int32_t> offsets(static_cast<size_t>(channels * taps));
  for (int64_t i = 0; i < channels * taps; ++i) {
    offsets[static_cast<size_t>(i)] = static_cast<int32_t>(i / taps * channel_ + tap_offset(i % taps));
  }
  return offsets;
}

const float *ConvWindow::read(const float *image, int64_t channels, const ConvBlock &block, float *copy) const {
  const ConvShape &s = shape_;
  const int64_t d0 = block.depth * s.stride[0] - s.low[0];
  const int64_t h0 = block.row * s.stride[1] - s.low[1];
  const int64_t w0 = block.column * s.stride[2] - s.low[2];
  if (direct_) return image + (d0 * s.in[1] + h0) * s.in[2] + w0;

  const int64_t rows = (block.rows - 1) * s.stride[1] + (s.kernel[1] - 1) * s.dilation[1] + 1;
  const int64_t columns = (block.columns - 1) * s.stride[2] + (s.kernel[2] - 1) * s.dilation[2] + 1;
  // Columns [left, right) and rows [top, bottom) come from the image.
  const int64_t left = std::clamp<int64_t>(-w0, 0, columns), right = std::clamp<int64_t>(s.in[2] - w0, left, columns);
  const int64_t top = std::clamp<int64_t>(-h0, 0, rows), bottom = std::clamp<int64_t>(s.in[1] - h0, top, rows);
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t q = 0; q < s.kernel[0]; ++q) {
      const int64_t d = d0 + q * s.dilation[0];
      float *to = copy + c * channel_ + q * plane_;
      if (d < 0 || d >= s.in[0]) {
        std::fill(to, to + rows * pitch_, 0.0f);
        continue;
      }
      std::fill(to, to + top * pitch_, 0.0f);
      std::fill(to + bottom * pitch_, to + rows * pitch_, 0.0f);
      const float *from = image + ((c * s.in[0] + d) * s.in[1] + h0 + top) * s.in[2] + w0;
      copy_rows_(from, s.in[2], bottom - top, columns, left, right, to + top * pitch_, pitch_);
    }
  }
  return copy;
}

}  // namespace dlc
