// Class labels of either integer type, and the report of one that is out of range.
#pragma once

#include <atomic>
#include <cstdio>

#include "../kernel.h"

namespace dlc {

class Labels {
 public:
  Labels() = default;
  Labels(const Tensor &labels, const std::vector<int64_t> &shape) : wide_(labels.dtype == DLC_I64), data_(labels.data) {
    require(labels.dtype == DLC_I32 || labels.dtype == DLC_I64, "labels are i32 or i64");
    require(labels.shape == shape, "labels have the shape of the logits without their axis");
  }
  int64_t at(int64_t i) const {
    return wide_ ? static_cast<const int64_t *>(data_)[i] : static_cast<const int32_t *>(data_)[i];
  }

 private:
  bool wide_ = false;
  const void *data_ = nullptr;
};

// The first position of a label that should not be there, whichever thread meets it.
class StrayLabel {
 public:
  void note(int64_t position) {
    int64_t seen = first_.load(std::memory_order_relaxed);
    while (position < seen && !first_.compare_exchange_weak(seen, position, std::memory_order_relaxed)) {
    }
  }
  dlc_status report(const Labels &labels, int64_t classes, RunContext &context) const {
    const int64_t position = first_.load(std::memory_order_relaxed);
    if (position == INT64_MAX) return DLC_OK;
    std::snprintf(context.message, sizeof context.message, "label %lld at position %lld is outside 0..%lld",
                  static_cast<long long>(labels.at(position)), static_cast<long long>(position),
                  static_cast<long long>(classes - 1));
    return DLC_DATA_ERROR;
  }

 private:
  std::atomic<int64_t> first_{INT64_MAX};
};

}  // namespace dlc
