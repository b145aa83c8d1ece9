// argmax(x): index, i32, of the largest along an axis, the first of equals. NaN counts as the largest.
#include <algorithm>

#include "../kernel.h"
#include "convert.h"

namespace dlc {
namespace {

// What a value compares by.
inline float order(float value) {
  return value;
}
inline float order(Bf16 value) {
  return value.wide();
}
inline uint8_t order(Bool value) {
  return value.byte;
}
inline double order(double value) {
  return value;
}
inline uint8_t order(uint8_t value) {
  return value;
}
inline int32_t order(int32_t value) {
  return value;
}
inline int64_t order(int64_t value) {
  return value;
}

// x is [outer, extent, inner].
template <typename T>
class Argmax final : public Kernel {
 public:
  Argmax(const KernelArgs &args, int64_t outer, int64_t extent, int64_t inner)
      : pool_(args.pool),
        x_(args.inputs[0].as<T>()),
        y_(args.outputs[0].as<int32_t>()),
        outputs_(y_ ? outer * inner : 0),
        extent_(extent),
        inner_(inner),
        per_task_(std::max<int64_t>(1, 16384 / extent)) {}

  dlc_status run(RunContext &) override {
    pool_.parallel((outputs_ + per_task_ - 1) / per_task_, [this](int64_t task, int) {
      const int64_t end = std::min(outputs_, (task + 1) * per_task_);
      for (int64_t i = task * per_task_; i < end; ++i) {
        const T *column = x_ + i / inner_ * extent_ * inner_ + i % inner_;
        auto best = order(column[0]);
        int64_t at = 0;
        for (int64_t k = 1; k < extent_; ++k) {
          const auto value = order(column[k * inner_]);
          if (value > best || (value != value && best == best)) {
            best = value;
            at = k;
          }
        }
        y_[i] = static_cast<int32_t>(at);
      }
    });
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  const T *x_;
  int32_t *y_;
  int64_t outputs_, extent_, inner_, per_task_;
};

}  // namespace

std::unique_ptr<Kernel> make_argmax(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "argmax takes one input and one output");
  const Tensor &x = args.inputs[0];
  const Tensor &y = args.outputs[0];
  const int64_t axis = args.attrs.integer("axis");
  require(axis >= 0 && axis < x.rank(), "argmax: no such axis");
  const auto at = x.shape.begin() + axis;
  require(*at >= 1 && *at <= INT32_MAX, "argmax: nothing to choose from");
  std::vector<int64_t> shape(x.shape.begin(), at);
  shape.insert(shape.end(), at + 1, x.shape.end());
  require(!y.data || (y.dtype == DLC_I32 && y.shape == shape), "argmax: the output is of another type");
  int64_t outer = 1, inner = 1;
  for (auto i = x.shape.begin(); i != at; ++i) outer *= *i;
  for (auto i = at + 1; i != x.shape.end(); ++i) inner *= *i;
  return with_type(x.dtype, [&](auto *type) -> std::unique_ptr<Kernel> {
    return std::make_unique<Argmax<std::remove_pointer_t<decltype(type)>>>(args, outer, *at, inner);
  });
}

}  // namespace dlc
