// pad(x): low and high elements of `value` around each axis, interior ones between neighbours.
#include <algorithm>
#include <cstring>

#include "convert.h"
#include "nothing.h"
#include "strided.h"

namespace dlc {
namespace {

class Pad final : public Kernel {
 public:
  Pad(const KernelArgs &args, StridedCopy copy, int64_t offset, double value)
      : pool_(args.pool),
        copy_(std::move(copy)),
        src_(args.inputs[0].as<std::byte>()),
        dst_(args.outputs[0].as<std::byte>()),
        element_bytes_(static_cast<int64_t>(size_of(args.outputs[0].dtype))),
        bytes_(static_cast<int64_t>(args.outputs[0].bytes())),
        offset_(offset * element_bytes_) {
    with_type(args.outputs[0].dtype, [&](auto *type) {
      const auto element = convert<std::remove_pointer_t<decltype(type)>>(value);
      for (size_t i = 0; i < sizeof pattern_; i += sizeof element) std::memcpy(pattern_ + i, &element, sizeof element);
    });
  }

  dlc_status run(RunContext &) override {
    // Filled whole, then written over: one pass more over the output, and no case to get wrong.
    constexpr int64_t chunk = 65536;
    pool_.parallel((bytes_ + chunk - 1) / chunk, [this](int64_t task, int) {
      const int64_t end = std::min(bytes_, (task + 1) * chunk);
      for (int64_t at = task * chunk; at < end; at += static_cast<int64_t>(sizeof pattern_))
        std::memcpy(dst_ + at, pattern_, static_cast<size_t>(std::min<int64_t>(sizeof pattern_, end - at)));
    });
    copy_.run(pool_, src_, dst_ + offset_);
    return DLC_OK;
  }

 private:
  ThreadPool &pool_;
  StridedCopy copy_;
  const std::byte *src_;
  std::byte *dst_;
  int64_t element_bytes_;
  int64_t bytes_;
  int64_t offset_;
  std::byte pattern_[64];
};

}  // namespace

std::unique_ptr<Kernel> make_pad(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 1, "pad takes one input and one output");
  const Tensor &x = args.inputs[0];
  const Tensor &y = args.outputs[0];
  const std::vector<int64_t> low = args.attrs.integers("low");
  const std::vector<int64_t> high = args.attrs.integers("high");
  const std::vector<int64_t> interior = args.attrs.integers("interior");
  const double value = args.attrs.number("value", 0);
  const size_t rank = x.shape.size();
  require(low.size() == rank && high.size() == rank && interior.size() == rank,
          "pad: an attribute is not of the input's rank");
  if (!y.data) return std::make_unique<Nothing>();
  require(y.dtype == x.dtype && y.shape.size() == rank, "pad: the output is of another type");
  std::vector<int64_t> dst = strides_of(y.shape);
  int64_t offset = 0;
  for (size_t i = 0; i < rank; ++i) {
    // Each is bounded by the output before they are added up.
    require(low[i] >= 0 && high[i] >= 0 && interior[i] >= 0 && low[i] <= y.shape[i] && high[i] <= y.shape[i] &&
                (x.shape[i] < 2 || interior[i] <= y.shape[i] / (x.shape[i] - 1)),
            "pad: out of the output's bounds");
    const int64_t spread = x.shape[i] == 0 ? 0 : x.shape[i] + (x.shape[i] - 1) * (x.shape[i] < 2 ? 0 : interior[i]);
    require(low[i] + spread + high[i] == y.shape[i], "pad: the output is of another shape");
    offset += x.elements() ? low[i] * dst[i] : 0;
    dst[i] = x.shape[i] > 1 ? dst[i] * (interior[i] + 1) : dst[i];
  }
  return std::make_unique<Pad>(args, StridedCopy(size_of(x.dtype), x.shape, strides_of(x.shape), dst), offset, value);
}

}  // namespace dlc
