// A convolution whose groups have one channel in and one out: no sum over channels for a tile to run along, so each
// output row is a sum of shifted input rows.
#pragma once

#include <vector>

#include "conv_rows.h"
#include "conv_shape.h"
#include "conv_window.h"

namespace dlc {

class ConvDepthwise {
 public:
  static bool fits(const ConvShape &shape) { return shape.cg == 1 && shape.kg == 1 && shape.groups > 1; }

  ConvDepthwise() = default;
  // flipped: the weights given to run() are those of the convolution that `shape` is the adjoint of.
  ConvDepthwise(const ConvShape &shape, bool flipped);
  void run(ThreadPool &pool, const float *x, const float *weights, const float *bias, bool relu, float *y) const;

 private:
  ConvShape shape_;
  ConvWindow window_;
  std::vector<int32_t> offsets_;
  int64_t block_rows_ = 1, block_columns_ = 1;
  decltype(&baseline::depthwise_row) row_ = nullptr;
};

}  // namespace dlc
