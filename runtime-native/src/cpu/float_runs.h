// Tensors of f32 or bf16 as runs of floats: f32 where it lies, bf16 widened into a buffer or narrowed from one.
#pragma once

#include "../kernel.h"
#include "bf16_rows.h"

namespace dlc {

inline bool is_f32_or_bf16(const Tensor &tensor) {
  return tensor.dtype == DLC_F32 || tensor.dtype == DLC_BF16;
}

class FloatSource {
 public:
  FloatSource() = default;
  // Throws DLC_BAD_PLAN for another dtype.
  explicit FloatSource(const Tensor &tensor) : data_(tensor.data), narrow_(tensor.dtype == DLC_BF16) {
    require(is_f32_or_bf16(tensor), "the kernel reads f32 or bf16");
  }

  // Elements [at, at + count); `buffer` has room for them.
  const float *read(int64_t at, int64_t count, float *buffer) const {
    if (!narrow_) return static_cast<const float *>(data_) + at;
    widen_(static_cast<const Bf16 *>(data_) + at, count, buffer);
    return buffer;
  }

 private:
  const void *data_ = nullptr;
  bool narrow_ = false;
  decltype(&baseline::widen) widen_ = DLC_DISPATCH(widen);
};

class FloatSink {
 public:
  FloatSink() = default;
  explicit FloatSink(const Tensor &tensor) : data_(tensor.data), narrow_(tensor.dtype == DLC_BF16) {
    require(data_ == nullptr || is_f32_or_bf16(tensor), "the kernel writes f32 or bf16");
  }

  bool is_wanted() const { return data_ != nullptr; }
  // Where elements from `at` on are to be computed.
  float *place(int64_t at, float *buffer) const { return narrow_ ? buffer : static_cast<float *>(data_) + at; }
  // They have been.
  void written(int64_t at, int64_t count, const float *buffer) const {
    if (narrow_) narrow_to_(buffer, count, static_cast<Bf16 *>(data_) + at);
  }

 private:
  void *data_ = nullptr;
  bool narrow_ = false;
  decltype(&baseline::narrow) narrow_to_ = DLC_DISPATCH(narrow);
};

}  // namespace dlc
