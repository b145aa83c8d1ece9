// Bundles are data and may be hostile: every damaged byte is noticed, and what is whole comes back as it was.
#include "bundle.h"

#include <cstring>
#include <string>

#include "check.h"
#include "plan.h"

namespace {

using Bytes = std::vector<std::byte>;

// By the layout in docs/architecture.md: sections of these sizes, filled with numbers.
Bytes bundle_of(const std::vector<size_t> &sizes) {
  Bytes file(128);
  const auto put = [&](size_t at, uint64_t value) { std::memcpy(file.data() + at, &value, 8); };
  std::memcpy(file.data(), "DLCB\1\0\0\0", 8);
  for (size_t i = 0; i < sizes.size(); ++i) {
    const size_t offset = file.size();
    file.resize(offset + (sizes[i] + 63) / 64 * 64);
    for (size_t k = 0; k < sizes[i]; ++k) file[offset + k] = static_cast<std::byte>(k * 7 + i);
    put(24 + 24 * i, offset);
    put(32 + 24 * i, sizes[i]);
    put(40 + 24 * i, dlc::bundle_checksum(std::span(file).subspan(offset)));
  }
  put(16, file.size());
  put(8, dlc::bundle_checksum(std::span(file).subspan(16, 112)));
  return file;
}

std::string refusal(const Bytes &file) {
  try {
    dlc::read_bundle(file);
  } catch (const dlc::Failure &failure) {
    return failure.status() == DLC_BAD_PLAN ? failure.what() : "another status";
  }
  return "";
}

// The header anew after a change.
Bytes sealed(Bytes file, size_t at, uint64_t value) {
  std::memcpy(file.data() + at, &value, 8);
  const uint64_t sum = dlc::bundle_checksum(std::span(file).subspan(16, 112));
  std::memcpy(file.data() + 8, &sum, 8);
  return file;
}

const Bytes good = bundle_of({5, 64, 130, 0});

}  // namespace

TEST("the checksum is that of the documentation") {
  Bytes bytes(64);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
  CHECK(dlc::bundle_checksum(bytes) == 0x6a4c3bc484fce125u);
}

TEST("sections come back as they were") {
  const dlc::Bundle bundle = dlc::read_bundle(good);
  CHECK(bundle.interface.size() == 5 && bundle.plan.size() == 64 && bundle.states.size() == 130);
  CHECK(bundle.model.empty());
  CHECK(bundle.plan[2] == std::byte{15} && bundle.states[129] == static_cast<std::byte>(129 * 7 + 2));
  CHECK((bundle.states.data() - good.data()) % 64 == 0);
}

TEST("every truncation and every wrong bit is refused") {
  for (size_t size = 0; size < good.size(); ++size) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(!refusal(cut).empty());
  }
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= std::byte{1} << (bit % 8);
    CHECK(!refusal(bad).empty());
  }
}

TEST("sizes are not believed") {
  const auto refused = [](const Bytes &file, const char *why) {
    if (!CHECK(refusal(file).find(why) != std::string::npos)) std::printf("    %s\n", refusal(file).c_str());
  };
  refused(sealed(good, 16, 1), "truncated");
  refused(sealed(good, 32, UINT64_MAX), "outside");
  refused(sealed(good, 32, UINT64_MAX - 63), "outside");
  refused(sealed(good, 32, good.size() - 128 + 1), "outside");
  refused(sealed(good, 48, 0), "outside");
  refused(sealed(good, 32, 64 + 5), "checksum");
  refused(sealed(good, 104, 64), "outside");
  refused(bundle_of({0, 0, 0}), "outside");
}
