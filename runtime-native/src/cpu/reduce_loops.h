// The inner loops of reductions, for each instruction set. Lanes are added in an order that depends on the length
// alone, the same on every instruction set.
#pragma once

#include <cstdint>

#include "../isa.h"

namespace dlc {

enum class Reduction : uint8_t { sum, max, min, prod };

struct ReduceLoops {
  // Of n values side by side. The sum of an empty row is 0, its largest -infinity, its product 1.
  double (*row)(const float *x, int64_t n);
  // into[i] = into[i] combined with x[i]
  void (*combine)(float *into, const float *x, int64_t n);
};

DLC_PER_ISA(ReduceLoops reduce_loops(Reduction reduction);)

}  // namespace dlc
