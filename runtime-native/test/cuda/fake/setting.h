// What DLC_FAKE_CUDA says, read at every question: "version=12040,cards=0,fail=cuLaunchKernel:3:719".
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace fake {

// For tests alone.
constexpr const char *kVariable = "DLC_FAKE_CUDA", *kLogVariable = "DLC_FAKE_CUDA_LOG";

inline std::string setting_text(const std::string &name) {
  const char *const all = std::getenv(kVariable);
  const std::string text = std::string(",") + (all ? all : "") + ",", key = "," + name + "=";
  const size_t at = text.find(key);
  if (at == std::string::npos) return "";
  const size_t begin = at + key.size();
  return text.substr(begin, text.find(',', begin) - begin);
}

inline long setting(const std::string &name, long otherwise) {
  const std::string text = setting_text(name);
  return text.empty() ? otherwise : std::atol(text.c_str());
}

// For mkstemp and mkdtemp.
inline std::string temporary() {
  return (std::filesystem::temp_directory_path() / "dlc-fake-XXXXXX").string();
}

}  // namespace fake
