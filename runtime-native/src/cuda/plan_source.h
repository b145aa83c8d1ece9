// The CUDA C++ of a plan, and the launches of its programs: made without a card, so that it can be compiled and looked
// at where there is none.
#pragma once

#include <vector>

#include "cuda/shadow.h"
#include "cuda/writer.h"
#include "thread_pool.h"

namespace dlc::cuda {

struct PlanSource {
  Source source;
  std::vector<std::vector<Launch>> launches;  // of each program
};

// Throws Failure; DLC_UNSUPPORTED names the op that has no kernel. `checking` is for the CPU's kernels, which check the
// steps.
PlanSource write_plan(const Plan &plan, const Shadow &shadow, ThreadPool &checking);

}  // namespace dlc::cuda
