// Chooses among the forward convolutions, by shape alone.
#include "conv_any.h"

namespace dlc {

ConvAny::ConvAny(const ConvShape &shape) {
  if (is_depthwise(shape)) {
    kernel_ = ConvDepthwise(shape);
  } else if (ConvPlanes::fits(shape)) {
    kernel_ = ConvPlanes(shape);
  } else {
    kernel_ = ConvForward(shape);
  }
}

void ConvAny::pack(ThreadPool &pool, const float *w, float *packed) const {
  if (const auto *planes = std::get_if<ConvPlanes>(&kernel_)) planes->pack(pool, w, packed);
  if (const auto *forward = std::get_if<ConvForward>(&kernel_)) forward->pack(pool, w, packed);
}

void ConvAny::run(ThreadPool &pool, const float *x, const float *weights, const float *bias, float *bias_scratch,
                  bool relu, float *y) const {
  if (const auto *depthwise = std::get_if<ConvDepthwise>(&kernel_)) {
    depthwise->run(pool, x, weights, bias, relu, y);
  } else if (const auto *planes = std::get_if<ConvPlanes>(&kernel_)) {
    planes->run(pool, x, weights, bias, relu, y);
  } else {
    const auto &forward = std::get<ConvForward>(kernel_);
    if (bias != nullptr) forward.pack_bias(bias, bias_scratch);
    forward.run(pool, x, weights, bias == nullptr ? nullptr : bias_scratch, relu, y);
  }
}

}  // namespace dlc
