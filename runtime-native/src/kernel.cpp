// Sizes of tensors and the check that factories use.
#include "kernel.h"

namespace dlc {

size_t size_of(dlc_dtype dtype) {
  switch (dtype) {
    case DLC_F64:
    case DLC_I64:
      return 8;
    case DLC_F32:
    case DLC_I32:
      return 4;
    case DLC_BF16:
      return 2;
    case DLC_U8:
    case DLC_BOOL:
      return 1;
  }
  throw Failure(DLC_BAD_PLAN, "unknown dtype");
}

// The plan loader has checked that the product fits.
int64_t Tensor::elements() const {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

size_t Tensor::bytes() const {
  return static_cast<size_t>(elements()) * size_of(dtype);
}

void require(bool condition, const char *what) {
  if (!condition) throw Failure(DLC_BAD_PLAN, what);
}

}  // namespace dlc
