// Boxes [x1, y1, x2, y2] and how much two of them overlap. One whose ends are the wrong way round has no area.
#pragma once

#include <algorithm>
#include <cstdint>

namespace dlc {

inline float box_area(const float *box) {
  return std::max(0.0f, box[2] - box[0]) * std::max(0.0f, box[3] - box[1]);
}

// Intersection over union; 0 where neither has an area.
inline float box_overlap(const float *a, const float *b) {
  const float width = std::max(0.0f, std::min(a[2], b[2]) - std::max(a[0], b[0]));
  const float height = std::max(0.0f, std::min(a[3], b[3]) - std::max(a[1], b[1]));
  const float both = width * height, all = box_area(a) + box_area(b) - both;
  return all > 0 ? both / all : 0.0f;
}

}  // namespace dlc
