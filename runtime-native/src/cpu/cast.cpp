// cast(x): the same values in another dtype. To an integer truncates, held at the ends of its range; to bool asks for
// unequal to 0.
#include <algorithm>

#include "../kernel.h"
#include "bf16_rows.h"
#include "convert.h"

namespace dlc {
namespace {

constexpr int64_t kChunk = 16384;

template <typename S, typename D>
class Cast final : public Kernel {
 public:
  explicit Cast(const KernelArgs &args)
      : pool_(args.pool),
        src_(args.inputs[0].as<S>()),
        dst_(args.outputs[0].as<D>()),
        elements_(dst_ ? args.inputs[0].elements() : 0) {}

  dlc_status run(RunContext &) override {
    pool_.parallel((elements_ + kChunk - 1) / kChunk, [this](int64_t task, int) {
      const int64_t begin = task * kChunk, end = std::min(elements_, begin + kChunk);
      if constexpr (std::is_same_v<S, Bf16> && std::is_same_v<D, float>) {
        DLC_DISPATCH(widen)(src_ + begin, end - begin, dst_ + begin);
      } else if constexpr (std::is_same_v<S, float> && std::is_same_v<D, Bf16>) {
        DLC_DISPATCH(narrow)(src_ + begin, end - begin, dst_ + begin);
      } else {
        for (int64_t i = begin; i < end; ++i) dst_[i] = convert<D>(src_[i]);
      }
    });
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  const S *src_;
  D *dst_;
  int64_t elements_;
};

}  // namespace

std::unique_ptr<Kernel> make_cast(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "cast takes one input and one output");
  const Tensor &x = args.inputs[0];
  const Tensor &y = args.outputs[0];
  require(!y.data || y.shape == x.shape, "cast: the output is of another shape");
  return with_type(x.dtype, [&](auto *from) {
    return with_type(y.dtype, [&](auto *to) -> std::unique_ptr<Kernel> {
      return std::make_unique<Cast<std::remove_pointer_t<decltype(from)>, std::remove_pointer_t<decltype(to)>>>(args);
    });
  });
}

}  // namespace dlc
