// NumPy's .npy files, as far as dlc-run needs them: little-endian, row-major arrays of the runtime's dtypes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "dlc.h"

namespace dlc {

struct NpyArray {
  dlc_dtype dtype = DLC_F32;
  std::vector<int64_t> shape;
  std::vector<std::byte> data;
};

// A file that is not what it should be, or can't be read or written.
class NpyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

NpyArray read_npy(const std::filesystem::path &path);
void write_npy(const std::filesystem::path &path, const NpyArray &array);

}  // namespace dlc
