// Addresses on the host that stand for those on the card: a range as large as a plan's memory, which nobody reads or
// writes. Kernels of the CPU check the steps of a plan with them, and they say where a tensor lies.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plan.h"

namespace dlc::cuda {

class Shadow {
 public:
  Shadow() = default;
  // Once. Throws Failure.
  void reserve(const Plan &plan);
  ~Shadow();
  Shadow(const Shadow &) = delete;
  Shadow &operator=(const Shadow &) = delete;

  std::byte *states() const { return begin_; }
  std::byte *constants() const { return begin_ + constants_; }
  std::byte *arena() const { return begin_ + arena_; }
  size_t bytes() const { return bytes_; }
  uint64_t arena_bytes() const { return bytes_ - arena_; }
  uint64_t offset(const void *address) const {
    return static_cast<uint64_t>(static_cast<const std::byte *>(address) - begin_);
  }

 private:
  std::byte *begin_ = nullptr;
  size_t bytes_ = 0, mapped_ = 0;
  uint64_t constants_ = 0, arena_ = 0;
};

}  // namespace dlc::cuda
