// Packing of panels: by copies where rows lie side by side, by blocked transposes where columns do.
#include "gemm_panels.h"

#include <algorithm>
#include <cstring>

namespace dlc {

void pack_panel(const TileIsa &isa, const GemmMatrix &b, int64_t from, int64_t depth, int64_t column, int64_t columns,
                int width, float *panel) {
  const float *source = b.at<float>(from, column);
  if (b.transpose) {
    if (columns < width) std::memset(panel, 0, static_cast<size_t>(depth * width) * sizeof(float));
    isa.transpose(source, b.row, columns, depth, panel, width);
    return;
  }
  isa.copy_rows(source, b.row, depth, columns, width, panel);
}

void pack_panel(const TileIsa &isa, const TileIsaBf16 &bf16, const GemmMatrix &b, int64_t from, int64_t depth,
                int64_t column, int64_t columns, int width, Bf16 *panel, Bf16 *lines) {
  const bool narrow = b.dtype == DLC_BF16;
  if (!b.transpose) {
    if (narrow) {
      bf16.zip_bf16(b.at<Bf16>(from, column), b.row, depth, columns, width, panel);
    } else {
      bf16.zip(b.at<float>(from, column), b.row, depth, columns, width, panel);
    }
    return;
  }
  // Pairs lie in the lines of the matrix: pairs are turned as if they were floats, of lines that start at whole ones.
  const int64_t pairs = ceil_div(depth, 2);
  if (columns < width) std::memset(panel, 0, static_cast<size_t>(2 * pairs * width) * sizeof(Bf16));
  const Bf16 *source = lines;
  int64_t row = 2 * pairs;
  if (narrow && b.row % 2 == 0 && depth % 2 == 0) {
    source = b.at<Bf16>(from, column);
    row = b.row;
  } else if (narrow) {
    bf16.copy(b.at<Bf16>(from, column), b.row, columns, depth, lines, row);
  } else {
    bf16.narrow(b.at<float>(from, column), b.row, columns, depth, lines, row);
  }
  isa.transpose(reinterpret_cast<const float *>(source), row / 2, columns, pairs, reinterpret_cast<float *>(panel),
                width);
}

}  // namespace dlc
