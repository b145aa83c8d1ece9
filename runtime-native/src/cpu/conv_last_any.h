// A convolution over channels-last images, or the gradient of its input, by whatever kernel is expected to be the
// fastest for its shape.
#pragma once

#include <variant>

#include "conv_last.h"
#include "conv_last_depthwise.h"
#include "conv_winograd.h"

namespace dlc {

class ConvLastAny {
 public:
  ConvLastAny() = default;
  // `packed_apart`: the weights are not packed in every run.
  static ConvLastAny forward(const ConvShape &shape, dlc_dtype dtype, bool packed_apart);
  static ConvLastAny grad_input(const ConvShape &shape, dlc_dtype dtype);
  // Known to compiler/ops/families/convolution-workspace.ts, as are the rules that choose.
  int64_t packed_elements() const { return packed_elements_; }
  // `w` is [K, C/groups, taps] of the convolution in either case.
  void pack(ThreadPool &pool, const float *w, void *packed) const;
  void run(ThreadPool &pool, const void *from, const void *packed, const ConvLast::Epilogue &epilogue, void *to) const;

 private:
  std::variant<ConvLast, ConvLastDepthwise, ConvWinograd> kernel_;
  int64_t packed_elements_ = 0;
};

}  // namespace dlc
