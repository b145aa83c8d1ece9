// Copies a block of an image into planes by residue of the strides.
#include "phase_window.h"

#include <algorithm>

namespace dlc {
namespace {

// Of the positions begin + i * stride, i in [0, count), those within [0, extent): [first, last).
struct Inside {
  int64_t first, last;
  Inside(int64_t begin, int64_t stride, int64_t count, int64_t extent)
      : first(std::clamp<int64_t>((stride - 1 - begin) / stride, 0, count)),
        last(std::clamp<int64_t>((extent - begin + stride - 1) / stride, first, count)) {
    if (begin >= 0) first = 0;
    if (begin >= extent) last = first;
  }
};

}  // namespace

PhaseWindow::PhaseWindow(const ConvShape &shape, int64_t rows, int64_t columns) : shape_(shape) {
  const auto &s = shape;
  pitch_ = columns + (s.kernel[2] - 1) * s.dilation[2] / s.stride[2];
  plane_ = pitch_ * (rows + (s.kernel[1] - 1) * s.dilation[1] / s.stride[1]);
  planes_ = s.kernel[0] * s.stride[1] * s.stride[2];
  require(planes_ * plane_ < (int64_t{1} << 31), "conv: an image is too large");
  used_.resize(static_cast<size_t>(planes_));
  for (int64_t q = 0; q < s.kernel[0]; ++q) {
    for (int64_t r = 0; r < s.kernel[1]; ++r) {
      for (int64_t c = 0; c < s.kernel[2]; ++c) {
        const int64_t down = r * s.dilation[1], across = c * s.dilation[2];
        const int64_t plane = (q * s.stride[1] + down % s.stride[1]) * s.stride[2] + across % s.stride[2];
        used_[static_cast<size_t>(plane)] = true;
        offsets_.push_back(static_cast<int32_t>(plane * plane_ + down / s.stride[1] * pitch_ + across / s.stride[2]));
      }
    }
  }
}

void PhaseWindow::read(const float *channel, const ConvBlock &block, float *copy) const {
  const ConvShape &s = shape_;
  const int64_t rows = block.rows + (s.kernel[1] - 1) * s.dilation[1] / s.stride[1];
  const int64_t columns = block.columns + (s.kernel[2] - 1) * s.dilation[2] / s.stride[2];
  for (int64_t plane = 0; plane < planes_; ++plane) {
    if (!used_[static_cast<size_t>(plane)]) continue;
    const int64_t q = plane / (s.stride[1] * s.stride[2]);
    const int64_t d = block.depth * s.stride[0] - s.low[0] + q * s.dilation[0];
    const int64_t h0 = block.row * s.stride[1] - s.low[1] + plane / s.stride[2] % s.stride[1];
    const int64_t w0 = block.column * s.stride[2] - s.low[2] + plane % s.stride[2];
    float *to = copy + plane * plane_;
    Inside inside(h0, s.stride[1], rows, s.in[1]);
    if (d < 0 || d >= s.in[0]) inside.last = inside.first = 0;
    const Inside along(w0, s.stride[2], columns, s.in[2]);
    std::fill(to, to + inside.first * pitch_, 0.0f);
    std::fill(to + inside.last * pitch_, to + rows * pitch_, 0.0f);
    const float *from = channel + (d * s.in[1] + h0 + inside.first * s.stride[1]) * s.in[2] + w0;
    float *row = to + inside.first * pitch_;
    const int64_t down = s.stride[1] * s.in[2], count = inside.last - inside.first;
    if (s.stride[2] == 1) {
      copy_padded_(from, down, count, columns, along.first, along.last, row, pitch_);
    } else {
      copy_strided_(from, down, s.stride[2], count, columns, along.first, along.last, row, pitch_);
    }
    // What a vector reads beyond the last row is multiplied by zero or dropped, but it must be a number.
    std::fill_n(to + rows * pitch_, kDepthwiseSlack, 0.0f);
  }
}

}  // namespace dlc
