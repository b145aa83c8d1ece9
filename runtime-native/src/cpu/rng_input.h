// What the random kernels share: the (seed, step) input and the stream attribute.
#pragma once

#include "../kernel.h"
#include "philox.h"

namespace dlc {

class RngInput {
 public:
  // Throws DLC_BAD_PLAN unless `rng` is i64[2] and `stream` a number of 32 bits.
  RngInput(const Tensor &rng, const Attrs &attrs);

  // Read anew each step: the caller changes seed and step between them.
  PhiloxStream read() const {
    const auto seed = static_cast<uint64_t>(rng_[0]);
    return {{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
            stream_,
            static_cast<uint32_t>(static_cast<uint64_t>(rng_[1]))};
  }

 private:
  const int64_t *rng_;
  uint32_t stream_;
};

// Elements of one task; a multiple of 4, so that tasks begin at blocks.
constexpr int64_t kRandomChunk = 16384;

}  // namespace dlc
