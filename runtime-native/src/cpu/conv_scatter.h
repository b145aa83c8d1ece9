// dx of a convolution of any stride, by kernel taps: for a block of input pixels of one image, each tap adds the
// product of the output gradients that it touches with its weights. The tile's rows are output pixels, its columns
// channels of dx; the block is [pixels][channels] until it is transposed into place.
#pragma once

#include <vector>

#include "conv_panels.h"
#include "conv_shape.h"

namespace dlc {

class ConvScatter {
 public:
  ConvScatter() = default;
  explicit ConvScatter(const ConvShape &shape);

  // [panel][tap][k][width]; a formula of the shape alone, known to compiler/ops/conv_grad_input.ts.
  static int64_t packed_floats(const ConvShape &shape) {
    return shape.groups * round_up(shape.cg, kPanelAlign) * shape.taps() * shape.kg;
  }
  void pack(ThreadPool &pool, const float *w, float *packed) const;
  void run(ThreadPool &pool, const float *dy, const float *packed, float *dx) const;

 private:
  struct Block {
    int64_t depth, row, rows, column, columns;  // input coordinates
  };
  void run_block(const Block &block, const Panel &panel, const float *dy, const float *weights, float *result) const;

  ConvShape shape_;
  const TileIsa *isa_ = nullptr;
  std::vector<Panel> panels_;
  int64_t block_rows_ = 1, block_columns_ = 1;
};

}  // namespace dlc
