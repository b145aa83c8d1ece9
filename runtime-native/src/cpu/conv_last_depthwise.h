// Depthwise convolutions (as many groups as channels, one channel each) over channels-last images. A vector is sixteen
// channels of one pixel, so a tap is a vector of weights: forward and the gradient of the input are the same loop over
// rows, with other taps; the gradient of the weights runs over the same rows.
#pragma once

#include <vector>

#include "conv_last.h"
#include "conv_last_depthwise_rows.h"
#include "conv_shape.h"

namespace dlc {

// Which elements of the source each pixel of the target takes: a row is cut into segments of pixels with the same taps.
class DepthwisePlan {
 public:
  DepthwisePlan() = default;
  // Forward: the target is y; backward: dx, which takes elements of dy.
  DepthwisePlan(const ConvShape &shape, bool backward);

  int64_t rows() const { return target_[0] * target_[1]; }
  int64_t source_elements() const { return source_[0] * source_[1] * source_[2] * channels_; }
  int64_t row_elements() const { return target_[2] * channels_; }
  int64_t target_elements() const { return rows() * row_elements(); }
  int64_t channels() const { return channels_; }
  const ConvShape::Axes &source() const { return source_; }
  const ConvShape::Axes &target() const { return target_; }
  // Floats between the weights of neighbouring taps.
  int64_t pitch() const { return round_up(channels_, kPanelAlign); }
  int64_t segments() const { return static_cast<int64_t>(segments_.size()); }
  // Fills segments() segments of a row, and their taps, in `scratch`, which is a lane's.
  const DepthwiseSegment *row(int64_t row, std::byte *scratch) const;
  // What the row behind this one needs of the source that this one does not, elements being `size` bytes; behind the
  // last row comes the next image, where there are `more`.
  DepthwiseNext next_source(int64_t row, const void *source, int64_t size, bool more) const;
  // The row itself behind this one.
  DepthwiseNext next_target(int64_t row, const void *target, int64_t size, bool more) const;

 private:
  struct Tap {
    int64_t index, at;  // in the kernel, in the source
  };
  struct Segment {
    int64_t first, step, count;
    std::vector<Tap> taps;  // of the first pixel
  };
  std::vector<Tap> taps_at(const ConvShape &shape, size_t axis, int64_t at, bool backward) const;

  ConvShape::Axes source_ = {1, 1, 1}, target_ = {1, 1, 1}, kernel_ = {1, 1, 1};
  int64_t channels_ = 0, source_step_ = 1;
  std::vector<std::vector<Tap>> depths_, heights_;  // by place in the target
  std::vector<Segment> segments_;
};

// With the interface of ConvLast.
class ConvLastDepthwise {
 public:
  ConvLastDepthwise() = default;
  static bool fits(const ConvShape &shape) { return shape.cg == 1 && shape.kg == 1 && shape.groups > 1; }
  static ConvLastDepthwise forward(const ConvShape &shape, dlc_dtype dtype) { return {shape, dtype, false}; }
  static ConvLastDepthwise grad_input(const ConvShape &shape, dlc_dtype dtype) { return {shape, dtype, true}; }
  // Weights become float32 [tap][channel], rounded to what the images are.
  void pack(ThreadPool &pool, const float *w, void *packed) const;
  void run(ThreadPool &pool, const void *from, const void *packed, const ConvLast::Epilogue &epilogue, void *to) const;

 private:
  ConvLastDepthwise(const ConvShape &shape, dlc_dtype dtype, bool backward);
  // A task's part of an image.
  struct Part {
    const std::byte *from;
    std::byte *to;
    const std::byte *residual;  // or null
    const float *weights, *bias;
    DepthwiseEnd end_of_sum;
    int64_t first, end;           // channels
    int64_t first_row, last_row;  // the last one excluded
  };
  void run_rows(const Part &part, std::byte *scratch) const;
  void run_pairs(const Part &part) const;

  DepthwisePlan plan_;
  bool bf16_ = false;
  int64_t n_ = 0, taps_ = 1;
  EvenSplit row_parts_{1, 1}, vector_parts_{1, 1};  // tasks of an image, row_step_ rows being one
  int64_t row_step_ = 1;
  int64_t low_[2] = {0, 0};  // of pairs: rows and columns outside that the first output reads
  bool flipped_ = false;     // the source's order is not that of the weights
  DepthwisePairFunction pair_ = nullptr;
  decltype(&baseline::depthwise_last_row) row_ = DLC_DISPATCH(depthwise_last_row);
};

// Slices of the batch make partial sums [tap][channel], which are added in order.
class ConvLastDepthwiseGradWeight {
 public:
  ConvLastDepthwiseGradWeight() = default;
  // `most_slices`: how many partial sums there is room for.
  ConvLastDepthwiseGradWeight(const ConvShape &shape, dlc_dtype dtype, int64_t most_slices);
  void run(ThreadPool &pool, const void *x, const void *dy, float *partial, float *dw) const;

 private:
  DepthwisePlan plan_;
  bool bf16_ = false;
  int64_t taps_ = 1, size_ = 4;
  EvenSplit slices_{1, 1}, vector_parts_{1, 1};
  decltype(&baseline::depthwise_last_sums) sums_ = DLC_DISPATCH(depthwise_last_sums);
};

}  // namespace dlc
