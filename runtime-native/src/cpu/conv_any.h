// The forward convolution by whatever kernel is expected to be the fastest for its shape.
#pragma once

#include <variant>

#include "conv_depthwise.h"
#include "conv_forward.h"
#include "conv_planes.h"

namespace dlc {

class ConvAny {
 public:
  ConvAny() = default;
  explicit ConvAny(const ConvShape &shape);

  // Floats that `pack` writes at most.
  static int64_t packed_floats(const ConvShape &shape) { return ConvForward::packed_floats(shape); }
  // False where run() takes the weights as they are.
  bool packs() const { return !std::holds_alternative<ConvDepthwise>(kernel_); }
  void pack(ThreadPool &pool, const float *w, float *packed) const;
  // `weights` are packed if they have to be; `bias_scratch` has room for bias_floats, or there is no bias.
  void run(ThreadPool &pool, const float *x, const float *weights, const float *bias, float *bias_scratch, bool relu,
           float *y) const;

 private:
  std::variant<ConvForward, ConvPlanes, ConvDepthwise> kernel_;
};

}  // namespace dlc
