// The cards of this machine, and whether dlc can run on one: what `dlc devices` says of CUDA, and what `--device cuda`
// says where it can't.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cuda/libraries.h"
#include "json.h"

namespace dlc::cuda {

// Kernels use what Ampere brought (bfloat16, asynchronous copies).
constexpr int kLeastCompute = 80;

struct Card {
  int device = 0;
  std::string name;
  int compute = 0;  // 90 for 9.0
  int processors = 0;
  uint64_t bytes = 0;
};

struct Cards {
  std::vector<Card> all;
  std::string problem;  // one sentence; empty: the first card of enough compute capability will do

  const Card *usable() const;
};

// Starts the driver and asks it.
Cards find_cards(const Libraries &libraries);

// JSON: {"device": "cuda", "usable", "problem", "cards": [...], "libraries": [{"name", "version", "path", "problem"}]}.
// `more` adds what an open card has to say.
std::string describe(const std::function<void(JsonWriter &)> &more = {});

}  // namespace dlc::cuda
