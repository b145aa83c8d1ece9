// Opening libraries at run time, and the places where those of NVIDIA are: DLC_CUDA_LIBS, the loader's own places,
// CUDA's folders, the packages of Python.
#pragma once

#include <string>
#include <vector>

namespace dlc::cuda {

// Stays mapped when it is closed: drivers have threads of their own.
class SharedLibrary {
 public:
  SharedLibrary() = default;
  explicit SharedLibrary(void *handle) : handle_(handle) {}
  ~SharedLibrary();
  SharedLibrary(SharedLibrary &&other) noexcept;
  SharedLibrary &operator=(SharedLibrary &&other) noexcept;

  explicit operator bool() const { return handle_ != nullptr; }
  void *symbol(const char *name) const;
  // Of the file that was really opened.
  std::string path_of(const void *symbol) const;

 private:
  void *handle_ = nullptr;
};

// Empty on failure; `problem` is then what the loader says.
SharedLibrary open_library(const std::string &file, std::string &problem);

// Where to look, in this order. An empty folder stands for the loader's own places.
struct Places {
  std::vector<std::string> folders;
  // The same for people.
  std::string text;
};
Places library_places();

}  // namespace dlc::cuda
