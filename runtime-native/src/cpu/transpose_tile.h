// Transposing planes of elements of four and of two bytes, in tiles that stay in registers:
//   dst[c * dst_pitch + r] = src[r * src_pitch + c] for r in [0, rows), c in [0, columns).
#pragma once

#include <cstddef>
#include <cstdint>

#include "../isa.h"

namespace dlc {

DLC_PER_ISA(void transpose_plane(const uint32_t *src, ptrdiff_t src_pitch, int64_t rows, int64_t columns, uint32_t *dst,
                                 ptrdiff_t dst_pitch);
            void transpose_plane_halves(const uint16_t *src, ptrdiff_t src_pitch, int64_t rows, int64_t columns,
                                        uint16_t *dst, ptrdiff_t dst_pitch);)

}  // namespace dlc
