// Indices of either integer type, and the report of one that is out of range.
#pragma once

#include <atomic>
#include <cstdio>

#include "../kernel.h"

namespace dlc {

class Indices {
 public:
  Indices() = default;
  explicit Indices(const Tensor &indices) : wide_(indices.dtype == DLC_I64), data_(indices.data) {
    require(indices.dtype == DLC_I32 || indices.dtype == DLC_I64, "indices are i32 or i64");
  }
  int64_t at(int64_t i) const {
    return wide_ ? static_cast<const int64_t *>(data_)[i] : static_cast<const int32_t *>(data_)[i];
  }

 private:
  bool wide_ = false;
  const void *data_ = nullptr;
};

// The first position of an index that should not be there, whichever thread meets it.
class StrayIndex {
 public:
  void note(int64_t position) {
    int64_t seen = first_.load(std::memory_order_relaxed);
    while (position < seen && !first_.compare_exchange_weak(seen, position, std::memory_order_relaxed)) {
    }
  }
  // `what` is the word for one of the indices; `place` is false where positions are not those that the user knows.
  dlc_status report(const Indices &indices, const char *what, int64_t extent, RunContext &context,
                    bool place = true) const {
    const int64_t position = first_.load(std::memory_order_relaxed);
    if (position == INT64_MAX) return DLC_OK;
    char at[40] = "";
    if (place) std::snprintf(at, sizeof at, " at position %lld", static_cast<long long>(position));
    std::snprintf(context.message, sizeof context.message, "%s %lld%s is outside 0..%lld", what,
                  static_cast<long long>(indices.at(position)), at, static_cast<long long>(extent - 1));
    return DLC_DATA_ERROR;
  }

 private:
  std::atomic<int64_t> first_{INT64_MAX};
};

}  // namespace dlc
