// gather(x, indices): slices of x along an axis by index, and gather_elements(x, indices): an element for each index.
// Elements are moved by their size, whatever their dtype.
#include <algorithm>
#include <cstring>

#include "gather_view.h"
#include "indices.h"

namespace dlc {
namespace {

constexpr int64_t kTaskBytes = 65536;

class Gather final : public Kernel {
 public:
  Gather(const KernelArgs &args, const GatherView &view)
      : pool_(args.pool),
        view_(view),
        indices_(args.inputs[1]),
        x_(args.inputs[0].as<std::byte>()),
        y_(args.outputs[0].as<std::byte>()),
        bytes_(view.inner * static_cast<int64_t>(size_of(args.inputs[0].dtype))),
        per_task_(std::max<int64_t>(1, kTaskBytes / std::max<int64_t>(1, bytes_))),
        reordered_(args.attrs.boolean("reordered", false)) {}

  dlc_status run(RunContext &context) override {
    StrayIndex stray;
    switch (bytes_) {
      case 1:
        copy(stray, [](std::byte *to, const std::byte *from) { std::memcpy(to, from, 1); });
        break;
      case 2:
        copy(stray, [](std::byte *to, const std::byte *from) { std::memcpy(to, from, 2); });
        break;
      case 4:
        copy(stray, [](std::byte *to, const std::byte *from) { std::memcpy(to, from, 4); });
        break;
      case 8:
        copy(stray, [](std::byte *to, const std::byte *from) { std::memcpy(to, from, 8); });
        break;
      default:
        copy(stray,
             [this](std::byte *to, const std::byte *from) { std::memcpy(to, from, static_cast<size_t>(bytes_)); });
    }
    return stray.report(indices_, "index", view_.extent, context, !reordered_);
  }

 private:
  template <typename Copy>
  void copy(StrayIndex &stray, Copy copy_row) {
    const int64_t rows = view_.batch * view_.outer * view_.count;
    pool_.parallel((rows + per_task_ - 1) / per_task_, [&](int64_t task, int) {
      const int64_t end = std::min(rows, (task + 1) * per_task_);
      for (int64_t row = task * per_task_; row < end; ++row) {
        const int64_t line = row / view_.count;
        const int64_t position = line / view_.outer * view_.count + row % view_.count;
        const int64_t index = indices_.at(position);
        if (index < 0 || index >= view_.extent)
          stray.note(position);
        else if (y_)  // nobody may read what was looked up, and yet the indices are checked
          copy_row(y_ + row * bytes_, x_ + (line * view_.extent + index) * bytes_);
      }
    });
  }

  ThreadPool &pool_;
  GatherView view_;
  Indices indices_;
  const std::byte *x_;
  std::byte *y_;
  int64_t bytes_;
  int64_t per_task_;
  bool reordered_;
};

// x is [outer, extent, inner], indices and y are [outer, count, inner].
template <typename T>
class GatherElements final : public Kernel {
 public:
  GatherElements(const KernelArgs &args, const LineView &view)
      : pool_(args.pool),
        view_(view),
        indices_(args.inputs[1]),
        x_(args.inputs[0].as<T>()),
        y_(args.outputs[0].as<T>()) {}

  dlc_status run(RunContext &context) override {
    StrayIndex stray;
    const int64_t elements = view_.outer * view_.count * view_.inner;
    constexpr int64_t per_task = kTaskBytes / 8;
    pool_.parallel((elements + per_task - 1) / per_task, [&](int64_t task, int) {
      const int64_t end = std::min(elements, (task + 1) * per_task);
      for (int64_t at = task * per_task; at < end; ++at) {
        const int64_t index = indices_.at(at);
        const int64_t outer = at / view_.inner / view_.count;
        if (index < 0 || index >= view_.extent)
          stray.note(at);
        else if (y_)
          y_[at] = x_[(outer * view_.extent + index) * view_.inner + at % view_.inner];
      }
    });
    return stray.report(indices_, "index", view_.extent, context);
  }

 private:
  ThreadPool &pool_;
  LineView view_;
  Indices indices_;
  const T *x_;
  T *y_;
};

}  // namespace

std::unique_ptr<Kernel> make_gather(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "gather takes two inputs and gives one output");
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  const GatherView view = gather_view(x, args.inputs[1], y, args.attrs);
  require(!y.data || y.dtype == x.dtype, "gather: the output is of another dtype");
  return std::make_unique<Gather>(args, view);
}

std::unique_ptr<Kernel> make_gather_elements(const KernelArgs &args) {
  require(args.inputs.size() == 2 && args.outputs.size() == 1, "gather_elements takes two inputs, gives one output");
  const Tensor &x = args.inputs[0], &indices = args.inputs[1], &y = args.outputs[0];
  const LineView view = line_view(x, indices, args.attrs);
  require(!y.data || (y.dtype == x.dtype && y.shape == indices.shape), "gather_elements: wrong output");
  switch (size_of(x.dtype)) {
    case 1:
      return std::make_unique<GatherElements<uint8_t>>(args, view);
    case 2:
      return std::make_unique<GatherElements<uint16_t>>(args, view);
    case 4:
      return std::make_unique<GatherElements<uint32_t>>(args, view);
    default:
      return std::make_unique<GatherElements<uint64_t>>(args, view);
  }
}

}  // namespace dlc
