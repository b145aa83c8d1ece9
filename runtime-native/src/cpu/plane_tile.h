// The register tile of convolutions over planes: rows are output channels, columns vectors of sixteen pixels that lie
// side by side. For row i and vector v
//   y[i * y_row + vectors[v].y + l] = sum over t of weights[t * rows + i] * x[vectors[v].x + offsets[t] + l] (+ bias)
// for the lanes l in the vector's mask, which are written one behind the other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../isa.h"

namespace dlc {

struct PlaneVector {
  int32_t x = 0, y = 0;  // of lane 0, and of the first lane that is written
  uint16_t mask = 0;
};

struct PlaneCall {
  const float *weights = nullptr;
  const float *x = nullptr;
  const int32_t *offsets = nullptr;
  int64_t k = 0;
  const PlaneVector *vectors = nullptr;
  float *y = nullptr;
  ptrdiff_t y_row = 0;
  const float *bias = nullptr;  // one for each row, or null
  bool relu = false;
};

using PlaneFunction = void (*)(const PlaneCall &call);

inline constexpr int64_t kPlaneLanes = 16;

struct PlaneIsa {
  int most_rows;
  int most_vectors;
  // rows in 1..most_rows, vectors in 1..most_vectors
  PlaneFunction (*tile)(int rows, int vectors);
};

DLC_PER_ISA(const PlaneIsa &planes();)

}  // namespace dlc
