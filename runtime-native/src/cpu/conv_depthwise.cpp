// Depthwise convolution and, by flipped weights, its input gradient where the stride is 1.
#include "conv_depthwise.h"

#include <algorithm>

namespace dlc {
namespace {

constexpr int64_t kCopyFloats = ThreadPool::kLaneScratchBytes / sizeof(float);

}  // namespace

ConvDepthwise::ConvDepthwise(const ConvShape &shape, bool flipped)
    : shape_(shape), block_rows_(shape.out[1]), block_columns_(shape.out[2]), row_(DLC_DISPATCH(depthwise_row)) {
  const auto copy = [&] { return ConvWindow(shape, block_rows_, block_columns_).copy_floats(); };
  while (copy() > kCopyFloats && block_rows_ * block_columns_ > 1) {
    int64_t &extent = block_rows_ > 1 ? block_rows_ : block_columns_;
    extent = (extent + 1) / 2;
  }
  if (copy() > kCopyFloats) throw Failure(DLC_UNSUPPORTED, "conv: the kernel's reach is too large");
  window_ = ConvWindow(shape, block_rows_, block_columns_);
  offsets_ = window_.tap_offsets(1);
  // Reading the taps backwards flips the kernel.
  if (flipped) std::reverse(offsets_.begin(), offsets_.end());
}

void ConvDepthwise::run(ThreadPool &pool, const float *x, const float *weights, const float *bias, bool relu,
                        float *y) const {
  const ConvShape &s = shape_;
  pool.parallel(s.n * s.groups, [&](int64_t plane, int lane) {
    float *copy = reinterpret_cast<float *>(pool.scratch(lane));
    const int64_t channel = plane % s.groups;
    DepthwiseRow row{};
    row.offsets = offsets_.data();
    row.weights = weights + channel * s.taps();
    row.taps = s.taps();
    row.stride = window_.pixel_column();
    row.bias = bias != nullptr ? bias[channel] : 0;
    row.relu = relu;
    for (int64_t d = 0; d < s.out[0]; ++d) {
      for (int64_t h = 0; h < s.out[1]; h += block_rows_) {
        for (int64_t w = 0; w < s.out[2]; w += block_columns_) {
          const ConvBlock block = {d, h, std::min(block_rows_, s.out[1] - h), w,
                                   std::min(block_columns_, s.out[2] - w)};
          const float *pixel = window_.read(x + plane * s.in_plane(), 1, block, copy);
          row.count = block.columns;
          for (int64_t r = 0; r < block.rows; ++r) {
            row.x = pixel + r * window_.pixel_row();
            row_(row, y + plane * s.out_plane() + (d * s.out[1] + h + r) * s.out[2] + w);
          }
        }
      }
    }
  });
}

}  // namespace dlc
