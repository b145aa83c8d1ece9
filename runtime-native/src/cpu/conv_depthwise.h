// Convolutions whose groups have one channel in and one out: no sum over channels for a tile to run along, so each
// output row is a sum of shifted input rows. Planes narrower than a vector are computed in one go over their padded
// rows, what falls between the rows is dropped.
#pragma once

#include <vector>

#include "conv_rows.h"
#include "conv_shape.h"
#include "phase_window.h"

namespace dlc {

// A vector over one row of fewer elements would be mostly empty.
inline constexpr int64_t kNarrowRow = 12;

inline bool is_depthwise(const ConvShape &shape) {
  return shape.cg == 1 && shape.kg == 1 && shape.groups > 1;
}

class ConvDepthwise {
 public:
  ConvDepthwise() = default;
  explicit ConvDepthwise(const ConvShape &shape);
  void run(ThreadPool &pool, const float *x, const float *weights, const float *bias, bool relu, float *y) const;

 private:
  ConvShape shape_;
  PhaseWindow window_;
  int64_t block_rows_ = 1, block_columns_ = 1;
  bool flat_ = false;
  decltype(&baseline::depthwise_row) row_ = DLC_DISPATCH(depthwise_row);
};

class ConvDepthwiseGradInput {
 public:
  ConvDepthwiseGradInput() = default;
  explicit ConvDepthwiseGradInput(const ConvShape &shape);
  void run(ThreadPool &pool, const float *dy, const float *weights, float *dx) const;

 private:
  // The taps that reach the elements of dx at one residue of the strides, and where each finds its output gradient.
  struct Residue {
    std::vector<int64_t> taps;
    std::vector<int32_t> offsets;
  };

  void run_plane(const float *dy, const float *weights, float *dx, float *scratch) const;
  void run_rows(int64_t depth, int64_t first, int64_t rows, const float *copy, const float *weights, float *dx,
                float *scratch) const;
  void copy_rows(const float *dy, int64_t depth, int64_t row, int64_t rows, float *copy) const;

  ConvShape shape_;
  std::vector<std::vector<int64_t>>
      depths_;                     // by residue of the depth: which planes of dy its taps read, from d / stride on
  std::vector<Residue> residues_;  // by residue of depth, height, width
  int64_t first_row_ = 0, first_column_ = 0;  // of dy, that the first elements of dx read
  int64_t reach_ = 0;                         // rows of dy beyond those of dx of one residue
  int64_t pitch_ = 0, plane_ = 0, block_rows_ = 1;
  bool flat_ = false;
  decltype(&baseline::copy_padded) copy_padded_ = DLC_DISPATCH(copy_padded);
  decltype(&baseline::spread_strided) spread_ = DLC_DISPATCH(spread_strided);
  decltype(&baseline::depthwise_row) row_ = DLC_DISPATCH(depthwise_row);
};

class ConvDepthwiseGradWeight {
 public:
  ConvDepthwiseGradWeight() = default;
  explicit ConvDepthwiseGradWeight(const ConvShape &shape);
  void run(ThreadPool &pool, const float *x, const float *dy, float *dw) const;

 private:
  void run_channel(int64_t channel, const float *x, const float *dy, float *dw, float *scratch) const;

  ConvShape shape_;
  PhaseWindow window_;
  int64_t block_rows_ = 1, block_columns_ = 1;
  bool flat_ = false;
  decltype(&baseline::copy_padded) copy_padded_ = DLC_DISPATCH(copy_padded);
  decltype(&baseline::depthwise_sums) sums_ = DLC_DISPATCH(depthwise_sums);
};

}  // namespace dlc
