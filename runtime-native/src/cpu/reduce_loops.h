// The inner loops of reductions, for each instruction set, over float or bfloat16. The order of additions depends on
// lengths alone, the same on every instruction set.
#pragma once

#include <algorithm>
#include <cstdint>

#include "../isa.h"
#include "bf16.h"

namespace dlc {

enum class Reduction : uint8_t { sum, max, min, prod };

template <typename T>
struct ReduceLoops {
  // Of n values side by side. The sum of an empty row is 0, its largest -infinity, its product 1.
  double (*row)(const T *x, int64_t n);
  // Down the columns of rows that begin `pitch` elements apart: into[j] of x[r * pitch + j] for r in [0, rows).
  void (*columns)(const T *x, int64_t rows, int64_t pitch, int64_t width, float *into);
  // totals[j] = totals[j] combined with x[j]
  void (*collect)(double *totals, const float *x, int64_t n);
};

DLC_PER_ISA(ReduceLoops<float> reduce_loops(Reduction reduction);
            ReduceLoops<Bf16> reduce_loops_bf16(Reduction reduction);)

template <typename T>
ReduceLoops<T> reduce_loops_for(Reduction reduction);
template <>
inline ReduceLoops<float> reduce_loops_for<float>(Reduction reduction) {
  return DLC_DISPATCH(reduce_loops)(reduction);
}
template <>
inline ReduceLoops<Bf16> reduce_loops_for<Bf16>(Reduction reduction) {
  return DLC_DISPATCH(reduce_loops_bf16)(reduction);
}

// Rows of which columns are added up in float before they go to double. Rows that touch are taken side by side, so that
// each float stands for about as many of narrow ones.
inline int64_t rows_in_float(int64_t pitch, int64_t width) {
  constexpr int64_t kRows = 32, kTouching = 8192;
  return pitch == width ? std::max(kRows, kTouching / std::max<int64_t>(width, 1)) : kRows;
}

}  // namespace dlc
