// C = op(A) * op(B) (+ C) (+ bias) (relu) in float32, row major, as independent tasks over fixed blocks of C. The cut
// depends on the shapes alone, and every element is summed in one order, so any number of threads gives the same bits.
// Each task packs what it needs into its lane's scratch.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemm_tile.h"

namespace dlc {

struct GemmCall {
  const float *a = nullptr;  // [m, k], or [k, m] when transposed
  const float *b = nullptr;  // [k, n], or [n, k] when transposed
  float *c = nullptr;        // [m, n]
  const float *bias = nullptr;
  bool accumulate = false;
  bool relu = false;
  int64_t depth = -1;  // when >= 0, a shorter k than the one prepared for
};

class Gemm {
 public:
  Gemm() = default;
  // lda and ldb: distance of rows as stored; ldc = n.
  Gemm(int64_t m, int64_t n, int64_t k, bool transpose_a, bool transpose_b, int64_t lda, int64_t ldb);
  int64_t tasks() const { return row_blocks_ * column_blocks_; }
  // `scratch` is a lane's.
  void run(int64_t task, const GemmCall &call, std::byte *scratch) const;

 private:
  void run_dots(int64_t row0, int64_t rows, int64_t column0, int64_t columns, const GemmCall &call) const;
  void run_tiles(int64_t row0, int64_t rows, int64_t column0, int64_t columns, const GemmCall &call,
                 float *scratch) const;
  const float *pack_b(const float *b, int64_t k0, int64_t depth, int64_t column, int64_t columns, int width,
                      float *packed) const;

  const TileIsa *isa_ = nullptr;
  int64_t m_ = 0, n_ = 0, k_ = 0, lda_ = 0, ldb_ = 0;
  bool transpose_a_ = false, transpose_b_ = false;
  bool dots_ = false;
  int64_t row_block_ = 0, column_block_ = 0;
  int64_t row_blocks_ = 0, column_blocks_ = 0;
};

}  // namespace dlc
