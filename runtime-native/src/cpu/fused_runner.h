// A fused program within another kernel: over tensors of one shape that lie in memory, numbers, and blocks that the
// kernel makes itself. In float; tensors may be bfloat16, which is widened when read and rounded when written.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "../kernel.h"
#include "bf16_rows.h"
#include "fused_code.h"
#include "fused_loops.h"

namespace dlc {

class FusedRunner {
 public:
  // Elements that one run is for at most.
  static constexpr int64_t kBlock = 1024;

  // Inputs are of `shape` or single numbers. Input 0 without data is what `run` is given, so is output 0; any other
  // output without data is not wanted. Outputs may lie on inputs of their own dtype. Throws Failure.
  FusedRunner(std::string_view program, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
              const std::vector<int64_t> &shape);

  int64_t scratch_floats() const;
  // Elements [begin, begin + count) of the tensors.
  void run(int64_t begin, int64_t count, const float *given, float *made, float *scratch) const;

 private:
  struct Place {
    void *data;  // null: given to each run
    bool narrow;
  };

  float *float_at(const FusedPlace &place, int64_t begin, const float *given, float *made, float *scratch) const;
  void load(const Place &input, int64_t begin, int64_t count, float *to) const;

  FusedCode code_;
  std::vector<Place> inputs_, outputs_;
  std::vector<FusedLoop<float>> number_loops_, loops_;
  decltype(&baseline::widen) widen_ = DLC_DISPATCH(widen);
  decltype(&baseline::narrow) narrow_ = DLC_DISPATCH(narrow);
};

}  // namespace dlc
