// check_finite(x): y = x, and a run-time failure where it holds NaN or infinity. Attribute `what` names the value in
// the message ("loss"). y may be x's own memory or absent.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "../kernel.h"
#include "float_runs.h"

namespace dlc {
namespace {

constexpr int64_t kChunk = 16384;

class CheckFinite final : public Kernel {
 public:
  CheckFinite(const KernelArgs &args, const Tensor &x, const Tensor &y)
      : pool_(args.pool),
        x_(x),
        from_(x.as<std::byte>()),
        to_(y.as<std::byte>()),
        element_bytes_(static_cast<int64_t>(size_of(x.dtype))),
        elements_(x.elements()),
        what_(args.attrs.string("what", "value")) {}

  dlc_status run(RunContext &context) override {
    std::atomic<int64_t> first_bad{elements_};
    const int64_t chunks = (elements_ + kChunk - 1) / kChunk;
    pool_.parallel(chunks, [&](int64_t chunk, int lane) {
      const int64_t begin = chunk * kChunk, count = std::min(kChunk, elements_ - begin);
      const float *const x = x_.read(begin, count, reinterpret_cast<float *>(pool_.scratch(lane)));
      // The bits of |x| order as integers, infinity and NaN last: one vector loop tells whether to look closer.
      uint32_t largest = 0;
      for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::bit_cast<uint32_t>(x[i]) & 0x7fffffffu);
      if (largest >= 0x7f800000u) {
        int64_t i = 0;
        while (std::isfinite(x[i])) ++i;
        int64_t seen = first_bad.load();
        while (begin + i < seen && !first_bad.compare_exchange_weak(seen, begin + i)) {
        }
        return;
      }
      if (to_ != nullptr && to_ != from_)
        std::memcpy(to_ + begin * element_bytes_, from_ + begin * element_bytes_,
                    static_cast<size_t>(count * element_bytes_));
    });
    const int64_t at = first_bad.load();
    if (at == elements_) return DLC_OK;
    float buffer;
    const float bad = *x_.read(at, 1, &buffer);
    const char *value = std::isnan(bad) ? "NaN" : bad > 0 ? "+infinity" : "-infinity";
    if (elements_ == 1)
      std::snprintf(context.message, sizeof context.message, "%s is %s", what_.c_str(), value);
    else
      std::snprintf(context.message, sizeof context.message, "%s is %s at element %lld of %lld", what_.c_str(), value,
                    static_cast<long long>(at), static_cast<long long>(elements_));
    return DLC_NON_FINITE;
  }

 private:
  ThreadPool &pool_;
  FloatSource x_;
  const std::byte *from_;
  std::byte *to_;
  int64_t element_bytes_;
  int64_t elements_;
  std::string what_;
};

}  // namespace

std::unique_ptr<Kernel> make_check_finite(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "check_finite takes one input and one output");
  const Tensor &x = args.inputs[0];
  const Tensor &y = args.outputs[0];
  require(is_f32_or_bf16(x), "check_finite takes f32 or bf16");
  require(!y.data || (y.dtype == x.dtype && y.shape == x.shape), "check_finite: the output is of another type");
  return std::make_unique<CheckFinite>(args, x, y);
}

}  // namespace dlc
