// sort(x) -> (values, indices): each line along an axis in order, with where each element was. A value and its index
// are sorted as one unsigned number, key above index: the order is stable and no comparison is ever a draw.
#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

#include "../kernel.h"

namespace dlc {
namespace {

constexpr int64_t kTaskElements = 8192;

template <typename T>
using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

// Numbers that order as the values do; NaN has the largest of all, whichever the direction.
template <typename T>
Bits<T> key_of(T value, bool descending) {
  using U = Bits<T>;
  constexpr U top = U{1} << (sizeof(U) * 8 - 1);
  U key;
  if constexpr (std::is_floating_point_v<T>) {
    if (value != value) return std::numeric_limits<U>::max();
    // Both zeros are one.
    const U bits = value == 0 ? U{0} : std::bit_cast<U>(value);
    key = (bits & top) ? ~bits : bits | top;
  } else {
    key = static_cast<U>(value);
    if constexpr (std::is_signed_v<T>) key ^= top;
  }
  return descending ? static_cast<U>(~key) : key;
}

// 32-bit keys with their index in one word, 64-bit ones beside it.
struct WideEntry {
  uint64_t key;
  uint64_t index;
  friend bool operator<(const WideEntry &a, const WideEntry &b) {
    return a.key != b.key ? a.key < b.key : a.index < b.index;
  }
};
template <typename T>
using Entry = std::conditional_t<sizeof(T) == 8, WideEntry, uint64_t>;

uint64_t entry_of(uint32_t key, int64_t index) {
  return static_cast<uint64_t>(key) << 32 | static_cast<uint64_t>(index);
}
WideEntry entry_of(uint64_t key, int64_t index) {
  return {key, static_cast<uint64_t>(index)};
}
int64_t index_of(uint64_t entry) {
  return static_cast<int64_t>(entry & 0xffffffffu);
}
int64_t index_of(const WideEntry &entry) {
  return static_cast<int64_t>(entry.index);
}

struct SortShape {
  int64_t outer = 1, extent = 1, inner = 1;
  bool descending = false;
};

template <typename T>
class Sort final : public Kernel {
 public:
  Sort(const KernelArgs &args, const SortShape &shape)
      : pool_(args.pool),
        shape_(shape),
        x_(args.inputs[0].as<T>()),
        values_(args.outputs[0].as<T>()),
        indices_(args.outputs[1].as<int32_t>()) {
    const size_t line = static_cast<size_t>(shape.extent) * sizeof(Entry<T>);
    if (line <= ThreadPool::kLaneScratchBytes) return;
    // Lines too long for a thread's own memory.
    const size_t bytes = line * static_cast<size_t>(shape.outer * shape.inner);
    require(args.workspace.size() >= bytes, "sort: the workspace is too small");
    workspace_ = reinterpret_cast<Entry<T> *>(args.workspace.data());
  }

  dlc_status run(RunContext &) override {
    if (!values_ && !indices_) return DLC_OK;
    const int64_t lines = shape_.outer * shape_.inner;
    const int64_t per_task = std::max<int64_t>(1, kTaskElements / std::max<int64_t>(1, shape_.extent));
    pool_.parallel((lines + per_task - 1) / per_task, [&](int64_t task, int lane) {
      for (int64_t line = task * per_task; line < std::min(lines, (task + 1) * per_task); ++line)
        sort_line(line,
                  workspace_ ? workspace_ + line * shape_.extent : reinterpret_cast<Entry<T> *>(pool_.scratch(lane)));
    });
    return DLC_OK;
  }

 private:
  void sort_line(int64_t line, Entry<T> *entries) const {
    const int64_t start = line / shape_.inner * shape_.extent * shape_.inner + line % shape_.inner;
    const T *const x = x_ + start;
    for (int64_t k = 0; k < shape_.extent; ++k)
      entries[k] = entry_of(key_of(x[k * shape_.inner], shape_.descending), k);
    std::sort(entries, entries + shape_.extent);
    for (int64_t k = 0; k < shape_.extent; ++k) {
      const int64_t from = index_of(entries[k]), to = start + k * shape_.inner;
      if (values_) values_[to] = x[from * shape_.inner];
      if (indices_) indices_[to] = static_cast<int32_t>(from);
    }
  }

  ThreadPool &pool_;
  SortShape shape_;
  const T *x_;
  T *values_;
  int32_t *indices_;
  Entry<T> *workspace_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_sort(const KernelArgs &args) {
  require(args.inputs.size() == 1 && args.outputs.size() == 2, "sort takes one input and gives two outputs");
  const Tensor &x = args.inputs[0], &values = args.outputs[0], &indices = args.outputs[1];
  const int64_t axis = args.attrs.integer("axis");
  require(axis >= 0 && axis < x.rank(), "sort: no such axis");
  require(!values.data || (values.dtype == x.dtype && values.shape == x.shape), "sort: wrong values");
  require(!indices.data || (indices.dtype == DLC_I32 && indices.shape == x.shape), "sort: wrong indices");
  SortShape shape;
  for (int64_t i = 0; i < x.rank(); ++i)
    (i < axis ? shape.outer : i > axis ? shape.inner : shape.extent) *= x.shape[static_cast<size_t>(i)];
  require(shape.extent <= std::numeric_limits<int32_t>::max(), "sort: the lines are too long to index");
  shape.descending = args.attrs.boolean("descending");
  switch (x.dtype) {
    case DLC_F32:
      return std::make_unique<Sort<float>>(args, shape);
    case DLC_F64:
      return std::make_unique<Sort<double>>(args, shape);
    case DLC_U8:
      return std::make_unique<Sort<uint8_t>>(args, shape);
    case DLC_I32:
      return std::make_unique<Sort<int32_t>>(args, shape);
    case DLC_I64:
      return std::make_unique<Sort<int64_t>>(args, shape);
    default:
      throw Failure(DLC_UNSUPPORTED, "no order of this dtype");
  }
}

}  // namespace dlc
