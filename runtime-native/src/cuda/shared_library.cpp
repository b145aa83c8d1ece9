// dlopen and the folders of NVIDIA's libraries.
#include "cuda/shared_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace dlc::cuda {
namespace {

namespace fs = std::filesystem;

std::string variable(const char *name) {
  const char *const value = std::getenv(name);
  return value ? value : "";
}

// The folders directly in `folder` whose names begin so, in order. What cannot be read has none.
std::vector<fs::path> folders_in(const fs::path &folder, const std::string &begins) {
  std::vector<fs::path> found;
  std::error_code problem;
  for (fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    std::error_code unreadable;
    if (at->path().filename().string().starts_with(begins) && at->is_directory(unreadable)) found.push_back(at->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

class Collector {
 public:
  void add(const std::string &folder) {
    if (std::find(places.folders.begin(), places.folders.end(), folder) == places.folders.end())
      places.folders.push_back(folder);
  }
  void name(const std::string &what) { places.text += (places.text.empty() ? "" : ", ") + what; }

  // The newest first.
  void toolkit(const fs::path &root) {
    for (const char *const part : {"lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"}) {
      std::error_code problem;
      if (fs::is_directory(root / part, problem)) add((root / part).string());
    }
  }

  // nvidia/<package>/lib of each Python below `prefix`.
  void python(const fs::path &prefix) {
    for (const fs::path &version : folders_in(prefix / "lib", "python3"))
      for (const char *const site : {"site-packages", "dist-packages"})
        for (const fs::path &package : folders_in(version / site / "nvidia", "")) {
          std::error_code problem;
          if (fs::is_directory(package / "lib", problem)) add((package / "lib").string());
        }
  }

  Places places;
};

}  // namespace

SharedLibrary::~SharedLibrary() {
  if (handle_) dlclose(handle_);
}

SharedLibrary::SharedLibrary(SharedLibrary &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

SharedLibrary &SharedLibrary::operator=(SharedLibrary &&other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

void *SharedLibrary::symbol(const char *name) const {
  return handle_ ? dlsym(handle_, name) : nullptr;
}

std::string SharedLibrary::path_of(const void *symbol) const {
  Dl_info info;
  return symbol && dladdr(symbol, &info) && info.dli_fname ? info.dli_fname : "";
}

SharedLibrary open_library(const std::string &file, std::string &problem) {
  SharedLibrary library(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE));
  if (!library) {
    const char *const text = dlerror();
    problem = text ? text : "the loader gives no reason";
  }
  return library;
}

Places library_places() {
  Collector collector;
  const char *const own = std::getenv("DLC_CUDA_LIBS");
  if (const std::string given = own ? own : ""; !given.empty()) {
    for (size_t at = 0; at <= given.size();) {
      const size_t colon = std::min(given.find(':', at), given.size());
      if (colon > at) collector.add(given.substr(at, colon - at));
      at = colon + 1;
    }
    collector.name("DLC_CUDA_LIBS");
  }
  collector.add("");
  collector.name("the loader's folders");
  for (const char *const name : {"CUDA_HOME", "CUDA_PATH"})
    if (const std::string root = variable(name); !root.empty()) collector.toolkit(root);
  collector.toolkit("/usr/local/cuda");
  std::vector<fs::path> toolkits = folders_in("/usr/local", "cuda-");
  std::for_each(toolkits.rbegin(), toolkits.rend(), [&](const fs::path &root) { collector.toolkit(root); });
  for (const char *const folder : {"/usr/local/nvidia/lib64", "/usr/lib/wsl/lib"}) collector.add(folder);
  collector.name("CUDA's folders");
  for (const char *const name : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (const std::string prefix = variable(name); !prefix.empty()) collector.python(prefix);
  if (const std::string user = variable("HOME"); !user.empty()) collector.python(fs::path(user) / ".local");
  collector.python("/usr/local");
  collector.python("/usr");
  collector.name("Python's nvidia/*/lib");
  return std::move(collector.places);
}

}  // namespace dlc::cuda
