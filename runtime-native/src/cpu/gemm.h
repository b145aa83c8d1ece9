// C = op(A) * op(B) (+ C) (+ bias) (relu), row major, as independent tasks over fixed blocks of C. The cut depends on
// the shapes alone, and every element is summed in one order, so any number of threads gives the same bits. Operands
// are float32, or one or both are bfloat16: then products are of operands rounded to it, and sums float32. Each task
// packs what it needs into its lane's scratch; a B that comes packed (gemm_panels.h) is read where it lies.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemm_blocks.h"
#include "gemm_panels.h"

namespace dlc {

// What a Gemm is prepared for. `data` of the matrices is not looked at.
struct GemmProblem {
  int64_t m = 0, n = 0, k = 0;
  GemmMatrix a;              // k by m: `transpose` where it is stored as [m, k]
  GemmMatrix b;              // k by n
  bool bf16 = false;         // products of bfloat16
  int64_t packed_depth = 0;  // when positive: B is packed, for this k
};

struct GemmCall {
  const void *a = nullptr;
  const void *b = nullptr;
  float *c = nullptr;       // [m, n], or
  Bf16 *rounded = nullptr;  // [m, n], after bfloat16 products
  const float *bias = nullptr;
  bool accumulate = false;  // to c
  bool relu = false;
  int64_t depth = -1;  // when >= 0, a shorter k than the one prepared for
  int64_t first = 0;   // where in a packed B the sum begins; even for bfloat16
};

class Gemm {
 public:
  Gemm() = default;
  explicit Gemm(const GemmProblem &problem);
  int64_t tasks() const { return blocks_.count(); }
  // `scratch` is a lane's.
  void run(int64_t task, const GemmCall &call, std::byte *scratch) const;

 private:
  void run_dots(const GemmBlock &block, const GemmCall &call) const;
  void run_tiles(const GemmBlock &block, const GemmCall &call, float *scratch) const;
  void run_bf16(const GemmBlock &block, const GemmCall &call, std::byte *scratch) const;

  const TileIsa *isa_ = nullptr;
  const TileIsaBf16 *bf16_ = nullptr;
  GemmProblem problem_;
  GemmBlocks blocks_;
  bool dots_ = false;
};

}  // namespace dlc
