// Shapes of the ops that read or write where indices say.
#pragma once

#include <cstdint>
#include <vector>

#include "../kernel.h"

namespace dlc {

// Slices: the source is [batch, outer, extent, inner], the indices [batch, count], what is chosen
// [batch, outer, count, inner].
struct GatherView {
  int64_t batch = 1, outer = 1, extent = 1, inner = 1, count = 1;
};

// From the attributes `axis` and `batch_dims` and the tensors; throws DLC_BAD_PLAN where they do not fit. `chosen` may
// be an output that nobody reads.
GatherView gather_view(const Tensor &source, const Tensor &indices, const Tensor &chosen, const Attrs &attrs);

// Elements: the source is [outer, extent, inner], what is chosen [outer, count, inner].
struct LineView {
  int64_t outer = 1, extent = 1, inner = 1, count = 1;
};

// Throws DLC_BAD_PLAN unless the shapes differ along the attribute `axis` alone.
LineView line_view(const Tensor &source, const Tensor &chosen, const Attrs &attrs);

}  // namespace dlc
