// What each library is called, which versions will do, how its version is asked for.
#include "cuda/libraries.h"

#include <iterator>
#include <span>

namespace dlc::cuda {
namespace {

constexpr const char *kNoVersion = "it does not tell its version";

// Numbers as the libraries pack them: 13010 is 13.1 of the driver, 91301 is 9.13.1 of cuDNN.
Version unpack(int64_t number, int64_t major, int64_t minor, int64_t patch) {
  return {static_cast<int>(number / major), static_cast<int>(number % major / minor),
          patch ? static_cast<int>(number % minor / patch) : 0};
}

struct Symbol {
  const char *name;
  void **into;
};

struct Wanted {
  const char *name;
  std::span<const char *const> files;  // the newest first
  int least_major, most_major;         // of its version; most_major 0: any newer one
  const char *versions;                // the same for people
  const char *package;                 // how to get it; null: with the card's driver
};

// Null where it is bound and will do, else what is wrong with it.
template <typename F>
std::string suits(Found &found, const Wanted &wanted, std::span<const Symbol> symbols, F version) {
  for (const Symbol &symbol : symbols) {
    *symbol.into = found.library.symbol(symbol.name);
    if (!*symbol.into) return std::string("it has no function ") + symbol.name;
  }
  found.path = found.library.path_of(*symbols.front().into);
  if (!version(found.version) || found.version.major <= 0) return kNoVersion;
  if (found.version.major < wanted.least_major || (wanted.most_major && found.version.major > wanted.most_major))
    return "it is version " + found.version.text();
  return "";
}

// The first file that will do, folder by folder.
template <typename F>
Found find(const Places &places, const Wanted &wanted, std::span<const Symbol> symbols, F version) {
  std::string unsuitable;
  for (const std::string &folder : places.folders) {
    for (const char *const file : wanted.files) {
      Found found;
      found.name = wanted.name;
      found.file = wanted.files.front();
      const std::string path = folder.empty() ? file : folder + "/" + file;
      std::string problem;
      found.library = open_library(path, problem);
      if (!found.library) {
        // Not to be there is the usual case; to be there and not to open is worth telling.
        if (!(problem.starts_with(path) && problem.find("No such file") != std::string::npos) && unsuitable.empty())
          unsuitable = problem;
        continue;
      }
      problem = suits(found, wanted, symbols, version);
      if (problem.empty()) return found;
      if (unsuitable.empty()) unsuitable = (found.path.empty() ? path : found.path) + ": " + problem;
    }
  }
  Found missing;
  missing.name = wanted.name;
  missing.file = wanted.files.front();
  missing.problem = std::string(wanted.name) + " " + wanted.versions + " (" + missing.file + ") ";
  missing.problem += unsuitable.empty() ? "is not found" : "is needed, but " + unsuitable;
  missing.problem += "; looked in " + places.text;
  if (wanted.package)
    missing.problem += std::string(" (`pip install ") + wanted.package + "` brings it)";
  else
    missing.problem += " (it comes with the driver of the card)";
  return missing;
}

#define DLC_SYMBOL(name, result, ...) {#name, reinterpret_cast<void **>(&api.name)},

void find_driver(const Places &places, Libraries &into) {
  static constexpr const char *files[] = {"libcuda.so.1"};
  DriverApi &api = into.driver_api;
  const Symbol symbols[] = {DLC_DRIVER_FUNCTIONS(DLC_SYMBOL)};
  into.driver = find(places, {"the CUDA driver", files, 12, 0, "12 or newer", nullptr}, symbols, [&](Version &version) {
    int number = 0;
    if (api.cuDriverGetVersion(&number) != kSuccess) return false;
    version = unpack(number, 1000, 10, 0);
    return true;
  });
}

void find_nvrtc(const Places &places, Libraries &into) {
  static constexpr const char *files[] = {"libnvrtc.so.13", "libnvrtc.so.12"};
  NvrtcApi &api = into.nvrtc_api;
  const Symbol symbols[] = {DLC_NVRTC_FUNCTIONS(DLC_SYMBOL)};
  // Code of a newer major version than the driver's does not load.
  const int most = into.driver && into.driver.version.major < 13 ? 12 : 13;
  const Wanted wanted = {"NVRTC",
                         std::span(files).subspan(most == 12 ? 1 : 0),
                         12,
                         most,
                         most == 12 ? "12" : "12 or 13",
                         most == 12 ? "nvidia-cuda-nvrtc-cu12" : "nvidia-cuda-nvrtc"};
  into.nvrtc = find(places, wanted, symbols, [&](Version &version) {
    return api.nvrtcVersion(&version.major, &version.minor) == kNvrtcSuccess;
  });
  if (!into.nvrtc) return;
  // NVRTC opens this one by its bare name when it compiles, and finds it only where it is open already, or the loader
  // knows its folder.
  const size_t slash = into.nvrtc.path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : into.nvrtc.path.substr(0, slash + 1);
  std::string problem;
  open_library(folder + "libnvrtc-builtins.so." + std::to_string(into.nvrtc.version.major) + "." +
                   std::to_string(into.nvrtc.version.minor),
               problem);
}

void find_cublaslt(const Places &places, Libraries &into) {
  static constexpr const char *files[] = {"libcublasLt.so.13", "libcublasLt.so.12"};
  CublasLtApi &api = into.cublaslt_api;
  const Symbol symbols[] = {DLC_CUBLASLT_FUNCTIONS(DLC_SYMBOL)};
  into.cublaslt =
      find(places, {"cuBLASLt", files, 12, 13, "12 or 13", "nvidia-cublas"}, symbols, [&](Version &version) {
        version = unpack(static_cast<int64_t>(api.cublasLtGetVersion()), 10000, 100, 1);
        return true;
      });
}

void find_cudnn(const Places &places, Libraries &into) {
  static constexpr const char *files[] = {"libcudnn.so.9"};
  CudnnApi &api = into.cudnn_api;
  const Symbol symbols[] = {DLC_CUDNN_FUNCTIONS(DLC_SYMBOL)};
  into.cudnn = find(places, {"cuDNN", files, 9, 9, "9", "nvidia-cudnn-cu13"}, symbols, [&](Version &version) {
    version = unpack(static_cast<int64_t>(api.cudnnGetVersion()), 10000, 100, 1);
    return true;
  });
}

void find_nccl(const Places &places, Libraries &into) {
  static constexpr const char *files[] = {"libnccl.so.2"};
  NcclApi &api = into.nccl_api;
  const Symbol symbols[] = {DLC_NCCL_FUNCTIONS(DLC_SYMBOL)};
  into.nccl = find(places, {"NCCL", files, 2, 2, "2", "nvidia-nccl-cu13"}, symbols, [&](Version &version) {
    int number = 0;
    if (api.ncclGetVersion(&number) != kNcclSuccess) return false;
    version = unpack(number, 10000, 100, 1);
    return true;
  });
}

#undef DLC_SYMBOL

}  // namespace

std::string Version::text() const {
  const std::string two = std::to_string(major) + "." + std::to_string(minor);
  return patch ? two + "." + std::to_string(patch) : two;
}

Libraries find_needed_libraries() {
  const Places places = library_places();
  Libraries libraries;
  find_driver(places, libraries);
  find_nvrtc(places, libraries);
  return libraries;
}

Libraries find_libraries() {
  const Places places = library_places();
  Libraries libraries;
  find_driver(places, libraries);
  find_nvrtc(places, libraries);
  find_cublaslt(places, libraries);
  find_cudnn(places, libraries);
  find_nccl(places, libraries);
  return libraries;
}

std::string driver_error(const DriverApi &api, int status) {
  const char *name = nullptr, *text = nullptr;
  if (api.cuGetErrorName(status, &name) != kSuccess || !name) return "error " + std::to_string(status);
  if (api.cuGetErrorString(status, &text) != kSuccess || !text) return name;
  return std::string(name) + " (" + text + ")";
}

}  // namespace dlc::cuda
