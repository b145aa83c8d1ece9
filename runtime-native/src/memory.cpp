// Blocks come straight from the system: its pages are zero already and cost nothing until they are used.
#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "status.h"

namespace dlc {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

size_t usable_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  size_t bytes = pages > 0 && page > 0 ? static_cast<size_t>(pages) * static_cast<size_t>(page) : SIZE_MAX;
  for (const char *path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    FILE *file = std::fopen(path, "re");
    if (!file) continue;
    unsigned long long limit = 0;
    if (std::fscanf(file, "%llu", &limit) == 1) bytes = std::min<size_t>(bytes, limit);
    std::fclose(file);
  }
  return bytes;
}

ByteText::ByteText(double bytes) {
  const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(units)) {
    bytes /= 1024;
    ++unit;
  }
  std::snprintf(text_, sizeof text_, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

AlignedBuffer::AlignedBuffer(size_t bytes) : bytes_(bytes) {
  const size_t usable = usable_memory();
  const bool huge = bytes >= 2 * kHugePage;
  // Over-mapped by one huge page so that the block can start on one.
  const size_t wanted = huge ? bytes + kHugePage : std::max<size_t>(bytes, 64);
  if (bytes > usable || wanted < bytes)
    throw Failure(DLC_OUT_OF_MEMORY, std::string("needs ") + ByteText(static_cast<double>(bytes)).c_str() +
                                         " in one block; this machine has " +
                                         ByteText(static_cast<double>(usable)).c_str());
  void *mapping = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED)
    throw Failure(DLC_OUT_OF_MEMORY,
                  std::string("the system refuses a block of ") + ByteText(static_cast<double>(bytes)).c_str());
  mapping_ = mapping;
  mapped_ = wanted;
  auto address = reinterpret_cast<uintptr_t>(mapping);
  if (huge) address = (address + kHugePage - 1) / kHugePage * kHugePage;
  data_ = reinterpret_cast<std::byte *>(address);
#ifdef MADV_HUGEPAGE
  // Advice only: a system without huge pages is as right, and slower.
  if (huge) madvise(data_, bytes, MADV_HUGEPAGE);
#endif
}

AlignedBuffer::~AlignedBuffer() {
  if (mapping_) munmap(mapping_, mapped_);
}

AlignedBuffer::AlignedBuffer(AlignedBuffer &&other) noexcept {
  *this = std::move(other);
}

AlignedBuffer &AlignedBuffer::operator=(AlignedBuffer &&other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(mapping_, other.mapping_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

}  // namespace dlc
