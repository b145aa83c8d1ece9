// Chooses among the channels-last convolutions, by shape alone.
#include "conv_last_any.h"

namespace dlc {

ConvLastAny ConvLastAny::forward(const ConvShape &shape, dlc_dtype dtype, bool packed_apart) {
  ConvLastAny any;
  any.packed_elements_ = ConvLast::packed_elements(shape.groups, shape.kg, shape.cg, shape.taps());
  if (ConvLastDepthwise::fits(shape)) {
    any.kernel_ = ConvLastDepthwise::forward(shape, dtype);
  } else if (dtype == DLC_F32 && ConvWinograd::fits(shape, packed_apart)) {
    any.kernel_ = ConvWinograd::forward(shape);
    any.packed_elements_ = ConvWinograd::packed_elements(shape);
  } else {
    any.kernel_ = ConvLast::forward(shape, dtype);
  }
  return any;
}

ConvLastAny ConvLastAny::grad_input(const ConvShape &shape, dlc_dtype dtype) {
  ConvLastAny any;
  any.packed_elements_ = ConvLast::packed_elements(shape.groups, shape.cg, shape.kg, shape.taps());
  if (ConvLastDepthwise::fits(shape)) {
    any.kernel_ = ConvLastDepthwise::grad_input(shape, dtype);
  } else if (dtype == DLC_F32 && shape.has_adjoint() && ConvWinograd::fits(shape.adjoint())) {
    any.kernel_ = ConvWinograd::grad_input(shape);
    any.packed_elements_ = ConvWinograd::packed_elements(shape);
  } else {
    any.kernel_ = ConvLast::grad_input(shape, dtype);
  }
  return any;
}

void ConvLastAny::pack(ThreadPool &pool, const float *w, void *packed) const {
  std::visit([&](const auto &kernel) { kernel.pack(pool, w, packed); }, kernel_);
}

void ConvLastAny::run(ThreadPool &pool, const void *from, const void *packed, const ConvLast::Epilogue &epilogue,
                      void *to) const {
  std::visit([&](const auto &kernel) { kernel.run(pool, from, packed, epilogue, to); }, kernel_);
}

}  // namespace dlc
