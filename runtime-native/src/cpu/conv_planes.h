// y = conv(x, w) (+ bias) (relu) with tiles of output channels by neighbouring pixels: a block of the input is copied
// with zeros around it and cut by residue of the strides, so that every tap reads neighbours; the result goes straight
// into the planes of y. Best with few output channels, small kernels and wide planes, where ConvForward's transposes
// cost more than the lanes that are lost at the ends of rows here.
#pragma once

#include <vector>

#include "conv_shape.h"
#include "gemm_tile.h"
#include "phase_window.h"
#include "plane_tile.h"

namespace dlc {

class ConvPlanes {
 public:
  // By shape alone: whether it is expected to beat ConvForward.
  static bool fits(const ConvShape &shape);

  ConvPlanes() = default;
  explicit ConvPlanes(const ConvShape &shape);

  // Packed weights take no more room than those of ConvForward.
  // w is [K, Cg, taps] of this convolution.
  void pack(ThreadPool &pool, const float *w, float *packed) const;
  // w is [C, Kg, taps], of the convolution that this one is the adjoint of.
  void pack_flipped(ThreadPool &pool, const float *w, float *packed) const;
  void run(ThreadPool &pool, const float *x, const float *packed, const float *bias, bool relu, float *y) const;

 private:
  struct Task;
  void choose_blocks();
  void run_task(const Task &task, const float *x, const float *packed, const float *bias, bool relu, float *y,
                float *scratch) const;
  int64_t channel_floats() const { return window_.floats() - kDepthwiseSlack; }

  ConvShape shape_;
  const PlaneIsa *isa_ = nullptr;
  const TileIsa *tiles_ = nullptr;  // its transpose packs weights
  EvenSplit panels_{1, 1};          // output channels of a group
  PhaseWindow window_;
  std::vector<int32_t> offsets_;             // of each (channel, tap)
  std::vector<PlaneVector> vectors_, edge_;  // of a block, and of one in the last rows or columns
  int64_t block_rows_ = 1, block_columns_ = 1, row_blocks_ = 1, column_blocks_ = 1;
  int64_t images_ = 1;       // of a task, which share a panel's weights
  int64_t panel_parts_ = 1;  // tasks among which the panels of a block are divided
};

}  // namespace dlc
