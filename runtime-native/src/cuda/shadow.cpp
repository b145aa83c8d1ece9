// Reserves a range of addresses.
#include "cuda/shadow.h"

#include <sys/mman.h>

#include <algorithm>

#include "status.h"

namespace dlc::cuda {
namespace {

uint64_t aligned(uint64_t bytes) {
  // What a card's memory is aligned to.
  constexpr uint64_t unit = 256;
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

void Shadow::reserve(const Plan &plan) {
  uint64_t arena = 0;
  for (const PlanProgram &program : plan.programs) arena = std::max(arena, program.arena_bytes);
  // Addresses have 47 bits; a sum of three such sizes does not run over.
  constexpr uint64_t most = uint64_t{1} << 46;
  if (plan.state_bytes > most || plan.const_bytes > most || arena > most)
    throw Failure(DLC_OUT_OF_MEMORY, "the plan needs more memory than there are addresses");
  constants_ = aligned(plan.state_bytes);
  arena_ = constants_ + aligned(plan.const_bytes);
  bytes_ = arena_ + arena;
  mapped_ = bytes_ + 1;
  void *const range = mmap(nullptr, mapped_, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) throw Failure(DLC_OUT_OF_MEMORY, "the plan needs more memory than there are addresses");
  begin_ = static_cast<std::byte *>(range);
}

Shadow::~Shadow() {
  if (begin_) munmap(begin_, mapped_);
}

}  // namespace dlc::cuda
