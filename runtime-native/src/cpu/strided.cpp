// Strided copies: axes sorted by destination, so that writes run forward.
#include "strided.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace dlc {
namespace {

constexpr int64_t kTaskElements = 32768;
// Side of a tile where rows of one side are columns of the other.
constexpr int64_t kTile = 32;

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
}

template <typename T>
void StridedCopy::copy_plane(const T *src, T *dst) const {
  const int64_t rows = row_.extent, columns = column_.extent;
  if (column_.dst == 1 && column_.src == 1) {
    for (int64_t r = 0; r < rows; ++r)
      std::memcpy(dst + r * row_.dst, src + r * row_.src, static_cast<size_t>(columns) * sizeof(T));
    return;
  }
  if (column_.dst == 1 && column_.src == 0) {
    for (int64_t r = 0; r < rows; ++r) std::fill_n(dst + r * row_.dst, columns, src[r * row_.src]);
    return;
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
  // One large plane is cut by rows of it instead.
  if (planes_ == 1 && row_.extent * column_.extent > kTaskElements) {
    const int64_t rows_per_task = std::max<int64_t>(kTile, kTaskElements / std::max<int64_t>(column_.extent, 1));
    pool.parallel((row_.extent + rows_per_task - 1) / rows_per_task, [&](int64_t task, int) {
      StridedCopy part = StridedCopy();
      part.row_ = row_;
      part.column_ = column_;
      const int64_t begin = task * rows_per_task;
      part.row_.extent = std::min(rows_per_task, row_.extent - begin);
      part.copy_plane(src + begin * row_.src, dst + begin * row_.dst);
    });
    return;
  }
  pool.parallel((planes_ + planes_per_task_ - 1) / planes_per_task_, [&](int64_t task, int) {
    const int64_t begin = task * planes_per_task_;
    const int64_t end = std::min(begin + planes_per_task_, planes_);
    for (int64_t plane = begin; plane < end; ++plane) {
      int64_t rest = plane, from = 0, to = 0;
      for (size_t i = outer_.size(); i-- > 0;) {
        const int64_t at = rest % outer_[i].extent;
        rest /= outer_[i].extent;
        from += at * outer_[i].src;
        to += at * outer_[i].dst;
      }
      copy_plane(src + from, dst + to);
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
      src_(args.inputs[0].as<std::byte>() + offset * static_cast<int64_t>(size_of(args.inputs[0].dtype))),
      dst_(args.outputs[0].as<std::byte>()) {}

dlc_status StridedKernel::run(RunContext &) {
  if (dst_) copy_.run(pool_, src_, dst_);
  return DLC_OK;
}

}  // namespace dlc
