// dw = conv_grad_weight(x, dy) with tiles of output channels by taps, summed over vectors of neighbouring pixels: no
// transposes, so best with few channels on either side and wide planes.
#pragma once

#include <vector>

#include "conv_shape.h"
#include "gemm_tile.h"
#include "phase_window.h"
#include "plane_sums.h"

namespace dlc {

class ConvPlanesGradWeight {
 public:
  // By shape alone: whether it is expected to beat the product of transposed gradients.
  static bool fits(const ConvShape &shape);

  // The batch is cut into `slices`; `partial` of run() has room for one gradient for each.
  ConvPlanesGradWeight(const ConvShape &shape, const EvenSplit &slices);
  void run(ThreadPool &pool, const float *x, const float *dy, float *partial, float *dw) const;

 private:
  void sum_slice(int64_t slice, int64_t group, const float *x, const float *dy, float *sums, float *scratch) const;
  // `images` images from `image` on, the part of them that `block` says.
  void add_block(int64_t image, int64_t images, int64_t group, const ConvBlock &block, const float *x, const float *dy,
                 float *sums, float *scratch) const;
  int64_t channel_floats() const { return window_.floats() - kDepthwiseSlack; }
  int64_t x_floats() const { return channel_floats() * shape_.cg; }
  int64_t dy_floats() const { return flat_ ? round_up(block_rows_ * window_.pitch(), 16) * shape_.kg : 0; }
  // Pixels of a block's vectors.
  int64_t run_of(int64_t rows) const {
    return round_up((rows - 1) * (flat_ ? window_.pitch() : shape_.out[2]) + shape_.out[2], 16);
  }

  ConvShape shape_;
  EvenSplit slices_;
  const PlaneSumsIsa *isa_ = nullptr;
  PhaseWindow window_;
  std::vector<int32_t> columns_;    // of each (channel, tap)
  std::vector<int32_t> x_vectors_;  // of a block's vectors
  int64_t block_rows_ = 1, images_ = 1;
  bool flat_ = false;  // rows that are no whole vectors: dy is copied as wide as the padded rows of x
  decltype(&baseline::copy_padded) copy_padded_ = DLC_DISPATCH(copy_padded);
};

}  // namespace dlc
