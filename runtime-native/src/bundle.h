// A bundle: a plan, the states it starts from, and what prediction knows of the model, in one file (layout:
// docs/architecture.md). Whatever the bytes are, reading them ends in sections or in a Failure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dlc {

// Parts of the bytes that were given. The states lie one behind the other, each at a multiple of 64.
struct Bundle {
  std::span<const std::byte> interface;
  std::span<const std::byte> plan;
  std::span<const std::byte> states;
  std::span<const std::byte> model;
};

bool is_bundle(std::span<const std::byte> file);

// Checks every byte; throws Failure(DLC_BAD_PLAN).
Bundle read_bundle(std::span<const std::byte> file);

// Of a multiple of 16 bytes; compiler/bundle/checksum.ts computes the same.
uint64_t bundle_checksum(std::span<const std::byte> bytes);

}  // namespace dlc
