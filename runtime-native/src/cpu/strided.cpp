// Strided copies: axes sorted by destination, so that writes run forward.
#include "strided.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "transpose_tile.h"

namespace dlc {
namespace {

constexpr int64_t kTaskElements = 32768;
// Side of a tile where rows of one side are columns of the other.
constexpr int64_t kTile = 32;
// Parts of a plane that is cut are a multiple of it, so that they share no lines of the cache.
constexpr int64_t kPart = 64;

}  // namespace

std::vector<int64_t> strides_of(const std::vector<int64_t> &shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t step = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

StridedCopy::StridedCopy(size_t element_bytes, const std::vector<int64_t> &extent,
                         const std::vector<int64_t> &src_stride, const std::vector<int64_t> &dst_stride)
    : element_bytes_(element_bytes) {
  std::vector<Axis> axes;
  for (size_t i = 0; i < extent.size(); ++i) {
    empty_ |= extent[i] == 0;
    if (extent[i] != 1) axes.push_back({extent[i], src_stride[i], dst_stride[i]});
  }
  // Axes along which the destination stands still can't be: each of its elements is written once.
  std::stable_sort(axes.begin(), axes.end(), [](const Axis &a, const Axis &b) { return a.dst > b.dst; });
  std::vector<Axis> merged;
  for (const Axis &axis : axes) {
    if (!merged.empty() && merged.back().src == axis.src * axis.extent && merged.back().dst == axis.dst * axis.extent)
      merged.back() = {merged.back().extent * axis.extent, axis.src, axis.dst};
    else
      merged.push_back(axis);
  }
  if (!merged.empty()) {
    column_ = merged.back();
    merged.pop_back();
  }
  if (!merged.empty()) {
    // Beside the innermost axis of the destination goes that of the source, so that tiles are dense on both sides.
    const auto inner = std::min_element(merged.begin(), merged.end(), [](const Axis &a, const Axis &b) {
      return (a.src == 0 ? INT64_MAX : a.src) < (b.src == 0 ? INT64_MAX : b.src);
    });
    const auto chosen = column_.src == 1 || column_.src == 0 ? merged.end() - 1 : inner;
    row_ = *chosen;
    merged.erase(chosen);
  }
  outer_ = std::move(merged);
  for (const Axis &axis : outer_) planes_ *= axis.extent;
  const int64_t plane = std::max<int64_t>(row_.extent * column_.extent, 1);
  planes_per_task_ = std::max<int64_t>(1, kTaskElements / plane);
  by_rows_ = row_.extent >= column_.extent;
  const int64_t longer = std::max(row_.extent, column_.extent), other = plane / std::max<int64_t>(longer, 1);
  part_ = std::max<int64_t>(1, kTaskElements / std::max<int64_t>(other, 1));
  part_ = (part_ + kPart - 1) / kPart * kPart;
  parts_ = planes_per_task_ > 1 ? 1 : std::max<int64_t>(1, (longer + part_ - 1) / part_);
}

template <typename T>
void StridedCopy::copy_plane(const T *src, T *dst, int64_t rows, int64_t columns) const {
  if (column_.dst == 1 && column_.src == 1) {
    for (int64_t r = 0; r < rows; ++r)
      std::memcpy(dst + r * row_.dst, src + r * row_.src, static_cast<size_t>(columns) * sizeof(T));
    return;
  }
  if (column_.dst == 1 && column_.src == 0) {
    for (int64_t r = 0; r < rows; ++r) std::fill_n(dst + r * row_.dst, columns, src[r * row_.src]);
    return;
  }
  if constexpr (sizeof(T) == 4 || sizeof(T) == 2) {
    if (column_.dst == 1 && row_.src == 1) {
      if constexpr (sizeof(T) == 4)
        DLC_DISPATCH(transpose_plane)(src, column_.src, columns, rows, dst, row_.dst);
      else
        DLC_DISPATCH(transpose_plane_halves)(src, column_.src, columns, rows, dst, row_.dst);
      return;
    }
  }
  for (int64_t r0 = 0; r0 < rows; r0 += kTile) {
    const int64_t r1 = std::min(r0 + kTile, rows);
    for (int64_t c0 = 0; c0 < columns; c0 += kTile) {
      const int64_t c1 = std::min(c0 + kTile, columns);
      for (int64_t r = r0; r < r1; ++r)
        for (int64_t c = c0; c < c1; ++c) dst[r * row_.dst + c * column_.dst] = src[r * row_.src + c * column_.src];
    }
  }
}

template <typename T>
void StridedCopy::run_as(ThreadPool &pool, const T *src, T *dst) const {
  // Several small planes are a task, or a part of a large one along its longer side.
  const int64_t groups = (planes_ + planes_per_task_ - 1) / planes_per_task_;
  pool.parallel(groups * parts_, [&](int64_t task, int) {
    const int64_t begin = task / parts_ * planes_per_task_, first = task % parts_ * part_;
    const int64_t end = std::min(begin + planes_per_task_, planes_);
    const Axis &cut = by_rows_ ? row_ : column_;
    const int64_t count = parts_ == 1 ? cut.extent : std::min(part_, cut.extent - first);
    for (int64_t plane = begin; plane < end; ++plane) {
      int64_t rest = plane, from = first * cut.src, to = first * cut.dst;
      for (size_t i = outer_.size(); i-- > 0;) {
        const int64_t at = rest % outer_[i].extent;
        rest /= outer_[i].extent;
        from += at * outer_[i].src;
        to += at * outer_[i].dst;
      }
      copy_plane(src + from, dst + to, by_rows_ ? count : row_.extent, by_rows_ ? column_.extent : count);
    }
  });
}

void StridedCopy::run(ThreadPool &pool, const std::byte *src, std::byte *dst) const {
  if (empty_) return;
  switch (element_bytes_) {
    case 8:
      return run_as(pool, reinterpret_cast<const uint64_t *>(src), reinterpret_cast<uint64_t *>(dst));
    case 4:
      return run_as(pool, reinterpret_cast<const uint32_t *>(src), reinterpret_cast<uint32_t *>(dst));
    case 2:
      return run_as(pool, reinterpret_cast<const uint16_t *>(src), reinterpret_cast<uint16_t *>(dst));
    default:
      return run_as(pool, reinterpret_cast<const uint8_t *>(src), reinterpret_cast<uint8_t *>(dst));
  }
}

StridedKernel::StridedKernel(const KernelArgs &args, StridedCopy copy, int64_t offset)
    : pool_(args.pool),
      copy_(std::move(copy)),
      offset_(offset * static_cast<int64_t>(size_of(args.inputs[0].dtype))),
      src_(args.inputs[0].as<std::byte>() + offset_),
      dst_(args.outputs[0].as<std::byte>()) {}

bool StridedKernel::move(std::span<const Tensor> inputs, std::span<const Tensor> outputs) {
  src_ = inputs[0].as<std::byte>() + offset_;
  dst_ = outputs[0].as<std::byte>();
  return true;
}

dlc_status StridedKernel::run(RunContext &) {
  if (dst_) copy_.run(pool_, src_, dst_);
  return DLC_OK;
}

}  // namespace dlc
