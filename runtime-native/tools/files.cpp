// Reading files, and where tensors lie by their names.
#include "files.h"

#include <algorithm>
#include <fstream>

namespace dlc {

std::vector<std::byte> read_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw Fault{1, path + ": can't be opened"};
  std::vector<std::byte> bytes(static_cast<size_t>(file.tellg()));
  file.seekg(0);
  if (!file.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(bytes.size())))
    throw Fault{1, path + ": can't be read"};
  return bytes;
}

static constexpr const char *kDtypes[] = {"f32", "f64", "bf16", "u8", "i32", "i64", "bool"};

std::string type_text(const PlanTensor &tensor) {
  std::string text = std::string(kDtypes[tensor.dtype]) + "[";
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    if (i > 0) text += ',';
    text += std::to_string(tensor.shape[i]);
  }
  text += ']';
  return text;
}

std::filesystem::path file_of(const std::string &folder, std::string_view name) {
  const std::filesystem::path relative = std::string(name) + ".npy";
  if (relative.is_absolute() || std::find(relative.begin(), relative.end(), "..") != relative.end())
    throw Fault{1, "'" + std::string(name) + "' is no name for a file"};
  return std::filesystem::path(folder) / relative;
}

}  // namespace dlc
