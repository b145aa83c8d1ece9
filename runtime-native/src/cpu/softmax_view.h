// A tensor seen around one axis: [outer, classes, inner], cut into tasks of whole lines.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../kernel.h"
#include "softmax_lines.h"

namespace dlc {

struct SoftmaxView {
  int64_t outer = 1, classes = 1, inner = 1;
  const std::byte *logits = nullptr;
  bool narrow = false;
  std::vector<int64_t> without_axis;

  SoftmaxView() = default;
  SoftmaxView(const Tensor &x, const Attrs &attrs) {
    const int64_t axis = attrs.integer("axis");
    require(axis >= 0 && axis < x.rank(), "softmax: no such axis");
    require(x.dtype == DLC_F32 || x.dtype == DLC_BF16, "softmax is for f32 and bf16");
    logits = x.as<std::byte>();
    narrow = x.dtype == DLC_BF16;
    for (int64_t i = 0; i < x.rank(); ++i) {
      const int64_t extent = x.shape[static_cast<size_t>(i)];
      if (i < axis) outer *= extent;
      if (i > axis) inner *= extent;
      if (i == axis) classes = extent;
      if (i != axis) without_axis.push_back(extent);
    }
  }

  int64_t lines() const { return outer * inner; }
  // Element `at` of a tensor like the logits.
  template <typename Byte>
  Byte *place(Byte *data, int64_t at) const {
    return data + at * static_cast<int64_t>(narrow ? sizeof(Bf16) : sizeof(float));
  }

  // Calls f(lines, first element, first line, scratch) over all lines, in parallel. The scratch memory has room for a
  // float for each element of the lines, or is null where they are too many.
  template <typename F>
  void each(ThreadPool &pool, F f) const {
    if (classes == 0 || lines() == 0) return;
    constexpr int64_t kTaskElements = 8192;
    if (inner == 1) {
      const int64_t group = std::max<int64_t>(1, kTaskElements / classes);
      pool.parallel((outer + group - 1) / group, [&](int64_t task, int lane) {
        for (int64_t o = task * group; o < std::min(outer, (task + 1) * group); ++o) {
          f(Lines{place(logits, o * classes), narrow, classes, 1, 1}, o * classes, o, scratch_of(pool, lane, 1));
        }
      });
      return;
    }
    const int64_t chunks = (inner + kMostLines - 1) / kMostLines;
    pool.parallel(outer * chunks, [&](int64_t task, int lane) {
      const int64_t first = task % chunks * kMostLines, o = task / chunks;
      const int count = static_cast<int>(std::min<int64_t>(kMostLines, inner - first));
      const int64_t at = o * classes * inner + first;
      f(Lines{place(logits, at), narrow, classes, inner, count}, at, o * inner + first, scratch_of(pool, lane, count));
    });
  }

  float *scratch_of(ThreadPool &pool, int lane, int64_t count) const {
    const bool fits = count * classes <= static_cast<int64_t>(ThreadPool::kLaneScratchBytes / sizeof(float));
    return fits ? reinterpret_cast<float *>(pool.scratch(lane)) : nullptr;
  }
};

}  // namespace dlc
