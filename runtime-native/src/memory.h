// The few large blocks that a session lives in. Zeroed, 64-byte aligned, huge pages advised; refused with
// DLC_OUT_OF_MEMORY, before anything is touched, when the machine can't hold them.
#pragma once

#include <cstddef>

namespace dlc {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // bytes may be 0: then data() still points to something. Throws Failure.
  explicit AlignedBuffer(size_t bytes);
  ~AlignedBuffer();
  AlignedBuffer(AlignedBuffer &&other) noexcept;
  AlignedBuffer &operator=(AlignedBuffer &&other) noexcept;

  std::byte *data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  std::byte *data_ = nullptr;
  size_t bytes_ = 0;  // asked for
  void *mapping_ = nullptr;
  size_t mapped_ = 0;
};

// Bytes that this process may hope to use: physical memory, or less where a container is limited.
size_t usable_memory();

// "1.5 GiB"
class ByteText {
 public:
  explicit ByteText(double bytes);
  const char *c_str() const { return text_; }

 private:
  char text_[32];
};

}  // namespace dlc
