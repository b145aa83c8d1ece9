// The loops that fused groups are made of: one instruction over one block. In float for each instruction set, in double
// (for groups with integers and f64) once.
#pragma once

#include <cstdint>

#include "../isa.h"
#include "fused_program.h"

namespace dlc {

// dst[i] = instr(args[0][i], ...) for i < n. An argument whose bit is set in the loop's mask is one number for all i.
// dst may be one of the arguments.
template <typename T>
using FusedLoop = void (*)(T *dst, const T *const *args, int64_t n);

// Never null for a mask below 2^arity; with all bits set, the loop for none (n is 1 then).
DLC_PER_ISA(FusedLoop<float> fused_loop(Instr instr, unsigned mask);)
FusedLoop<double> fused_loop_f64(Instr instr, unsigned mask);

}  // namespace dlc
