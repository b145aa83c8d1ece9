// The same checks as compiler/bundle/format.ts: no offset or size is believed before it was compared with the file.
#include "bundle.h"

#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "plan.h"

namespace dlc {
namespace {

constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 128;
constexpr size_t kCoveredFrom = 16;
constexpr size_t kTable = 24;
constexpr size_t kEntryBytes = 24;
constexpr std::array kSections = {"interface", "plan", "states", "model"};

[[noreturn]] void bad(const std::string &what) {
  throw Failure(DLC_BAD_PLAN, "bundle: " + what);
}

template <typename T>
T at(std::span<const std::byte> bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

uint64_t bundle_checksum(std::span<const std::byte> bytes) {
  std::array<uint32_t, 4> lanes = {0, 1, 2, 3};
  for (size_t i = 0; i + 16 <= bytes.size(); i += 16)
    for (size_t lane = 0; lane < 4; ++lane)
      lanes[lane] = std::rotl(lanes[lane] + at<uint32_t>(bytes, i + 4 * lane) * 0x85ebca77u, 13) * 0x9e3779b1u;
  return fnv1a64(std::as_bytes(std::span(lanes)));
}

bool is_bundle(std::span<const std::byte> file) {
  return file.size() >= 4 && std::memcmp(file.data(), "DLCB", 4) == 0;
}

Bundle read_bundle(std::span<const std::byte> file) {
  if (!is_bundle(file)) bad("not a bundle");
  if (file.size() < kHeaderBytes) bad("the file ends early");
  if (const auto version = at<uint32_t>(file, 4); version != kVersion)
    bad("version " + std::to_string(version) + ", this runtime reads version " + std::to_string(kVersion));
  if (at<uint64_t>(file, 8) != bundle_checksum(file.subspan(kCoveredFrom, kHeaderBytes - kCoveredFrom)))
    bad("corrupt: the checksum of the header differs");
  if (at<uint64_t>(file, 16) != file.size()) bad("truncated, or longer than it says");
  std::array<std::span<const std::byte>, kSections.size()> sections;
  size_t offset = kHeaderBytes;
  for (size_t i = 0; i < sections.size(); ++i) {
    const size_t entry = kTable + i * kEntryBytes;
    const auto bytes = at<uint64_t>(file, entry + 8);
    const size_t left = file.size() - offset;
    // Compared before it is rounded up, which could overflow.
    if (at<uint64_t>(file, entry) != offset || bytes > left) bad(std::string(kSections[i]) + " outside of the file");
    const size_t padded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (padded > left) bad(std::string(kSections[i]) + " outside of the file");
    if (at<uint64_t>(file, entry + 16) != bundle_checksum(file.subspan(offset, padded)))
      bad(std::string("corrupt: the checksum of ") + kSections[i] + " differs");
    sections[i] = file.subspan(offset, bytes);
    offset += padded;
  }
  if (offset != file.size()) bad("bytes after the end");
  return {sections[0], sections[1], sections[2], sections[3]};
}

}  // namespace dlc
