// y = conv(x, w) (+ bias) (relu): for a block of pixels of one image, every panel of output channels; the tile's rows
// are pixels read in place, its columns channels. The result of a block is [pixels][channels] and is transposed once.
// Weights are packed to [panel][channel, tap][width] beforehand, by conv itself or flipped by the gradient.
#pragma once

#include <vector>

#include "conv_panels.h"
#include "conv_shape.h"
#include "conv_window.h"

namespace dlc {

class ConvForward {
 public:
  ConvForward() = default;
  explicit ConvForward(const ConvShape &shape);

  // Packed weights and a padded bias, in floats: a formula of the shape alone, known to compiler/ops/conv.ts.
  static int64_t packed_floats(const ConvShape &shape);
  static int64_t bias_floats(const ConvShape &shape) { return shape.groups * round_up(shape.kg, kPanelAlign); }

  // w is [K, Cg, taps] of this convolution.
  void pack(ThreadPool &pool, const float *w, float *packed) const;
  // w is [C, Kg, taps], of the convolution that this one is the adjoint of.
  void pack_flipped(ThreadPool &pool, const float *w, float *packed) const;
  void pack_bias(const float *bias, float *packed) const;
  // packed_bias: as made by pack_bias, or null.
  void run(ThreadPool &pool, const float *x, const float *packed, const float *packed_bias, bool relu, float *y) const;

 private:
  struct Task;
  void choose_blocks();
  void run_task(const Task &task, const float *x, const float *packed, const float *packed_bias, bool relu, float *y,
                float *scratch) const;
  void run_rows(const ConvBlock &block, const float *pixel, const float *weights, const Panel &panel, int64_t depth,
                const float *bias, bool accumulate, bool relu, float *result) const;

  ConvShape shape_;
  const TileIsa *isa_ = nullptr;
  std::vector<Panel> panels_;
  ConvWindow window_;
  std::vector<int32_t> offsets_;  // of one step of channels
  int64_t step_ = 1;              // channels summed at a time, so that their weights stay in cache
  int64_t copied_ = 1;            // channels copied at a time, a multiple of step_ or all
  int64_t block_rows_ = 1, block_columns_ = 1, row_blocks_ = 1, column_blocks_ = 1;
  int64_t images_ = 1;       // images of a task, where weights are large and planes small
  int64_t panel_parts_ = 1;  // tasks among which the panels of a block are divided
};

}  // namespace dlc
