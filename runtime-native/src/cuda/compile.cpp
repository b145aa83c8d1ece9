// NVRTC, and the cache of what it made: files by source, architecture and version, with a checksum.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cuda/device.h"
#include "cuda/writer.h"

namespace dlc::cuda {
namespace {

namespace fs = std::filesystem;

constexpr const char *kMark = "dlc-cubin-1\n";
// Of the compiler's log in a message.
constexpr size_t kMostLog = 2000;

uint64_t hash(std::string_view text) {
  return fnv1a64(std::as_bytes(std::span(text)));
}

std::string hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

// As compiler/data/cache.ts has it. Empty: nowhere.
fs::path cache_folder() {
  const auto variable = [](const char *name) -> fs::path {
    const char *const value = std::getenv(name);
    return value ? value : "";
  };
  if (const fs::path own = variable("DLC_CACHE_DIR"); !own.empty()) return own / "kernels";
#if defined(__APPLE__)
  if (const fs::path home = variable("HOME"); !home.empty()) return home / "Library" / "Caches" / "dlc" / "kernels";
#endif
  if (const fs::path base = variable("XDG_CACHE_HOME"); !base.empty()) return base / "dlc" / "kernels";
  if (const fs::path home = variable("HOME"); !home.empty()) return home / ".cache" / "dlc" / "kernels";
  return {};
}

std::string read_cached(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::string all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t head = std::strlen(kMark) + 16;
  if (all.size() <= head || !all.starts_with(kMark)) return "";
  const std::string image = all.substr(head);
  return all.substr(std::strlen(kMark), 16) == hex(hash(image)) ? image : "";
}

// A cache that can't be written is none.
void write_cached(const fs::path &path, const std::string &image) {
  std::error_code problem;
  fs::create_directories(path.parent_path(), problem);
  const fs::path temporary = path.string() + "." + std::to_string(::getpid());
  std::ofstream file(temporary, std::ios::binary);
  file << kMark << hex(hash(image)) << image;
  file.close();
  if (file)
    fs::rename(temporary, path, problem);
  else
    fs::remove(temporary, problem);
}

std::string architecture_of(const Card &card) {
  // Hopper's own instructions need its own name.
  return "sm_" + std::to_string(card.compute) + (card.compute == 90 ? "a" : "");
}

class Program {
 public:
  Program(const NvrtcApi &api, const std::string &source) : api_(api) {
    check(api.nvrtcCreateProgram(&program_, source.c_str(), "dlc.cu", 0, nullptr, nullptr), "");
  }
  ~Program() { api_.nvrtcDestroyProgram(&program_); }
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;

  std::string compile(const std::string &architecture) const {
    const std::string target = "--gpu-architecture=" + architecture;
    const char *const options[] = {target.c_str(), "--std=c++17"};
    const int status = api_.nvrtcCompileProgram(program_, static_cast<int>(std::size(options)), options);
    check(status, status == kNvrtcSuccess ? "" : log());
    size_t bytes = 0;
    check(api_.nvrtcGetCUBINSize(program_, &bytes), "");
    std::string image(bytes, '\0');
    check(api_.nvrtcGetCUBIN(program_, image.data()), "");
    return image;
  }

 private:
  std::string log() const {
    size_t bytes = 0;
    if (api_.nvrtcGetProgramLogSize(program_, &bytes) != kNvrtcSuccess || bytes < 2) return "";
    std::string text(bytes, '\0');
    if (api_.nvrtcGetProgramLog(program_, text.data()) != kNvrtcSuccess) return "";
    text.resize(std::min(std::strlen(text.c_str()), kMostLog));
    return ":\n" + text;
  }
  void check(int status, const std::string &log) const {
    if (status != kNvrtcSuccess)
      throw Failure(DLC_INTERNAL, std::string("NVRTC: ") + api_.nvrtcGetErrorString(status) + log);
  }

  const NvrtcApi &api_;
  NvrtcProgram program_ = nullptr;
};

}  // namespace

std::string compile(const CudaDevice &device, const std::string &source) {
  const Libraries &libraries = device.libraries();
  const std::string architecture = architecture_of(device.card());
  const std::string key = libraries.nvrtc.version.text() + "\n" + architecture + "\n" + source;
  const fs::path folder = cache_folder();
  const fs::path path =
      folder.empty() ? fs::path() : folder / (hex(hash(key)) + hex(hash(key + std::to_string(key.size()))) + ".cubin");
  if (!path.empty())
    if (std::string image = read_cached(path); !image.empty()) return image;
  std::string image = Program(libraries.nvrtc_api, source).compile(architecture);
  if (!path.empty()) write_cached(path, image);
  return image;
}

}  // namespace dlc::cuda
