// Columns of a packed operand are cut into panels as wide as a register tile: output channels of one group, `channels`
// of them rounded up to kPanelAlign, so packed sizes are the same on every processor.
#pragma once

#include <cstdint>
#include <vector>

#include "gemm_tile.h"

namespace dlc {

struct Panel {
  int64_t first;    // channel within the group
  int64_t columns;  // real channels in it, <= width
  int width;
};

inline std::vector<Panel> panels_of(const TileIsa &isa, int64_t channels) {
  std::vector<Panel> panels;
  const int64_t padded = round_up(channels, kPanelAlign);
  for (int64_t first = 0; first < padded;) {
    const int width = tile_width(isa, padded - first);
    panels.push_back({first, std::min<int64_t>(width, channels - first), width});
    first += width;
  }
  return panels;
}

}  // namespace dlc
