// Class labels: indices of the logits' shape without the class axis.
#pragma once

#include "indices.h"

namespace dlc {

class Labels : public Indices {
 public:
  Labels() = default;
  Labels(const Tensor &labels, const std::vector<int64_t> &shape) : Indices(labels) {
    require(labels.shape == shape, "labels have the shape of the logits without their axis");
  }
};

class StrayLabel : public StrayIndex {
 public:
  dlc_status report(const Labels &labels, int64_t classes, RunContext &context) const {
    return StrayIndex::report(labels, "label", classes, context);
  }
};

}  // namespace dlc
