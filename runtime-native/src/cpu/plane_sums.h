// The register tile of weight gradients over planes: rows are output channels, columns taps, both summed over vectors
// of sixteen pixels that lie side by side, lane by lane, and over the lanes at the end:
//   sums[i * sums_row + j] += sum over images, v, l of dy[i * dy_row + 16 v + l] * x[columns[j] + x_vectors[v] + l].
#pragma once

#include <cstddef>
#include <cstdint>

#include "../isa.h"

namespace dlc {

struct PlaneSums {
  const float *dy = nullptr;
  ptrdiff_t dy_row = 0, dy_image = 0;
  const float *x = nullptr;
  ptrdiff_t x_image = 0;
  const int32_t *columns = nullptr;
  const int32_t *x_vectors = nullptr;
  int64_t vectors = 0, images = 0;
  float *sums = nullptr;
  ptrdiff_t sums_row = 0;
};

using PlaneSumsFunction = void (*)(const PlaneSums &call);

struct PlaneSumsIsa {
  int most_rows, most_columns;
  PlaneSumsFunction (*tile)(int rows, int columns);
};

DLC_PER_ISA(const PlaneSumsIsa &plane_sums();)

}  // namespace dlc
