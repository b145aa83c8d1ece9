// The shape of a reduction with its axes sorted out: which are kept, which go, and the innermost one by itself.
#pragma once

#include <cstdint>
#include <vector>

#include "../kernel.h"

namespace dlc {

// A position in several axes at once, by one flat index.
struct AxisWalk {
  struct Axis {
    int64_t extent, stride;
  };
  std::vector<Axis> axes;  // outermost first
  int64_t count = 1;

  int64_t offset(int64_t index) const {
    int64_t offset = 0;
    for (size_t i = axes.size(); i-- > 0;) {
      offset += index % axes[i].extent * axes[i].stride;
      index /= axes[i].extent;
    }
    return offset;
  }
};

struct ReduceShape {
  AxisWalk kept;     // without the innermost axis
  AxisWalk reduced;  // without the innermost axis
  int64_t inner = 1;
  bool inner_reduced = true;
  int64_t outputs = 1;
  int64_t per_output = 1;
};

// Checks x, y, `axes` and `keepdims` of a reduction; throws DLC_BAD_PLAN.
ReduceShape reduce_shape(const KernelArgs &args);

}  // namespace dlc
