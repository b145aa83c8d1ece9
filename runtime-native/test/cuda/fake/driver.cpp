// A stand-in for the CUDA driver in host memory, so that everything above it is tested on machines without a card. It
// runs what the stand-in for NVRTC made. Every copy and launch is held against the memory that was taken: what would be
// out of bounds on a card is CUDA_ERROR_ILLEGAL_ADDRESS here. DLC_FAKE_CUDA injects faults (setting.h):
//   version=N cards=N compute=N   what the driver says of itself and its cards
//   memory=N                      bytes of the card
//   fail=FUNCTION:N:STATUS        the N-th call of a function from now on gives that status
// DLC_FAKE_CUDA_LOG names a file to which a line for each copy and launch is added.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "setting.h"

#define FAKE_API extern "C" __attribute__((visibility("default")))

namespace {

constexpr int kSuccess = 0, kInvalidValue = 1, kOutOfMemory = 2, kNotInitialized = 3, kInvalidContext = 201,
              kInvalidImage = 200, kNotFound = 500, kIllegalAddress = 700;

struct FakeFunction {
  std::string name;
  void (*launch)(unsigned, unsigned, void **);
  std::vector<size_t> sizes;
};
struct FakeModule {
  void *library;
  std::vector<std::unique_ptr<FakeFunction>> functions = {};
};
struct FakeStream {
  bool open = true;
};

bool started = false, lost = false;
int current_context = 0;
size_t used = 0;
std::map<uintptr_t, size_t> blocks;
std::map<std::string, long> calls;
std::string told;

size_t capacity() {
  return static_cast<size_t>(fake::setting("memory", long{1} << 32));
}

void log_line(const std::string &line) {
  if (const char *const file = std::getenv(fake::kLogVariable)) std::ofstream(file, std::ios::app) << line << '\n';
}

// The status that a call of this function is said to fail with; a lost card fails ever after.
int enter(const char *name) {
  if (!started) return kNotInitialized;
  const std::string fail = fake::setting_text("fail");
  if (fail != told) {
    told = fail;
    calls.clear();
    lost = false;
  }
  if (lost) return kIllegalAddress;
  char function[64] = "";
  long number = 0;
  int status = 0;
  if (std::sscanf(fail.c_str(), "%63[^:]:%ld:%d", function, &number, &status) != 3) return kSuccess;
  if (std::strcmp(function, name) != 0 || ++calls[name] != number) return kSuccess;
  lost = status >= 700;
  return status;
}

bool is_ours(uint64_t address, size_t bytes) {
  auto at = blocks.upper_bound(static_cast<uintptr_t>(address));
  if (at == blocks.begin()) return false;
  --at;
  return address + bytes <= at->first + at->second;
}

int check(const char *name, uint64_t address, size_t bytes, FakeStream *stream) {
  if (const int status = enter(name)) return status;
  if (!current_context) return kInvalidContext;
  if (!stream || !stream->open) return kInvalidValue;
  if (!is_ours(address, bytes)) {
    lost = true;
    return kIllegalAddress;
  }
  return kSuccess;
}

std::string place(uint64_t address) {
  auto at = blocks.upper_bound(static_cast<uintptr_t>(address));
  if (at == blocks.begin()) return "?";
  --at;
  return std::to_string(address - at->first);
}

void *pointer(uint64_t address) {
  return reinterpret_cast<void *>(static_cast<uintptr_t>(address));
}

}  // namespace

FAKE_API int cuInit(unsigned) {
  started = true;
  return kSuccess;
}
FAKE_API int cuDriverGetVersion(int *version) {
  *version = static_cast<int>(fake::setting("version", 13000));
  return kSuccess;
}
FAKE_API int cuGetErrorName(int status, const char **name) {
  static const std::map<int, const char *> names = {{kInvalidValue, "CUDA_ERROR_INVALID_VALUE"},
                                                    {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
                                                    {kIllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS"},
                                                    {719, "CUDA_ERROR_LAUNCH_FAILED"}};
  const auto at = names.find(status);
  if (at == names.end()) return kInvalidValue;
  *name = at->second;
  return kSuccess;
}
FAKE_API int cuGetErrorString(int, const char **text) {
  *text = "as it was said to fail";
  return kSuccess;
}
FAKE_API int cuDeviceGetCount(int *count) {
  if (const int status = enter("cuDeviceGetCount")) return status;
  *count = static_cast<int>(fake::setting("cards", 1));
  return kSuccess;
}
FAKE_API int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return kSuccess;
}
FAKE_API int cuDeviceGetName(char *name, int size, int) {
  std::snprintf(name, static_cast<size_t>(size), "Fake card");
  return kSuccess;
}
FAKE_API int cuDeviceGetAttribute(int *value, int attribute, int) {
  const int compute = static_cast<int>(fake::setting("compute", 90));
  *value = attribute == 75 ? compute / 10 : attribute == 76 ? compute % 10 : 1;
  return kSuccess;
}
FAKE_API int cuDeviceTotalMem_v2(size_t *bytes, int) {
  *bytes = capacity();
  return kSuccess;
}
FAKE_API int cuDevicePrimaryCtxRetain(int **context, int) {
  if (const int status = enter("cuDevicePrimaryCtxRetain")) return status;
  *context = &current_context;
  return kSuccess;
}
FAKE_API int cuDevicePrimaryCtxRelease_v2(int) {
  return kSuccess;
}
FAKE_API int cuCtxSetCurrent(int *context) {
  if (const int status = enter("cuCtxSetCurrent")) return status;
  current_context = context != nullptr;
  return kSuccess;
}
FAKE_API int cuMemGetInfo_v2(size_t *free, size_t *total) {
  if (const int status = enter("cuMemGetInfo_v2")) return status;
  *total = capacity();
  *free = used < *total ? *total - used : 0;
  return kSuccess;
}
FAKE_API int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  if (const int status = enter("cuMemAlloc_v2")) return status;
  if (used + bytes > capacity()) return kOutOfMemory;
  void *const block = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!block) return kOutOfMemory;
  // What nobody has written is no zero.
  std::memset(block, 0xa5, (bytes + 255) / 256 * 256);
  *address = reinterpret_cast<uintptr_t>(block);
  blocks[reinterpret_cast<uintptr_t>(block)] = bytes;
  used += bytes;
  return kSuccess;
}
FAKE_API int cuMemFree_v2(uint64_t address) {
  const auto at = blocks.find(static_cast<uintptr_t>(address));
  if (at == blocks.end()) return kInvalidValue;
  used -= at->second;
  std::free(pointer(address));
  blocks.erase(at);
  return kSuccess;
}
FAKE_API int cuMemcpyHtoDAsync_v2(uint64_t dst, const void *src, size_t bytes, FakeStream *stream) {
  if (const int status = check("cuMemcpyHtoDAsync_v2", dst, bytes, stream)) return status;
  log_line("in " + place(dst) + " " + std::to_string(bytes));
  std::memcpy(pointer(dst), src, bytes);
  return kSuccess;
}
FAKE_API int cuMemcpyDtoHAsync_v2(void *dst, uint64_t src, size_t bytes, FakeStream *stream) {
  if (const int status = check("cuMemcpyDtoHAsync_v2", src, bytes, stream)) return status;
  log_line("out " + place(src) + " " + std::to_string(bytes));
  std::memcpy(dst, pointer(src), bytes);
  return kSuccess;
}
FAKE_API int cuMemcpyDtoDAsync_v2(uint64_t dst, uint64_t src, size_t bytes, FakeStream *stream) {
  if (const int status = check("cuMemcpyDtoDAsync_v2", dst, bytes, stream)) return status;
  if (!is_ours(src, bytes)) return kIllegalAddress;
  std::memmove(pointer(dst), pointer(src), bytes);
  return kSuccess;
}
FAKE_API int cuMemsetD8Async(uint64_t dst, unsigned char value, size_t bytes, FakeStream *stream) {
  if (const int status = check("cuMemsetD8Async", dst, bytes, stream)) return status;
  std::memset(pointer(dst), value, bytes);
  return kSuccess;
}
FAKE_API int cuStreamCreate(FakeStream **stream, unsigned) {
  if (const int status = enter("cuStreamCreate")) return status;
  *stream = new FakeStream;
  return kSuccess;
}
FAKE_API int cuStreamDestroy_v2(FakeStream *stream) {
  delete stream;
  return kSuccess;
}
FAKE_API int cuStreamSynchronize(FakeStream *stream) {
  if (const int status = enter("cuStreamSynchronize")) return status;
  return stream && stream->open ? kSuccess : kInvalidValue;
}
FAKE_API int cuModuleLoadData(FakeModule **module, const void *image) {
  if (const int status = enter("cuModuleLoadData")) return status;
  // The image is an ELF file, which says itself how long it is: its section headers come last.
  const auto *const bytes = static_cast<const unsigned char *>(image);
  if (std::memcmp(bytes, "\177ELF", 4) != 0) return kInvalidImage;
  uint64_t sections;
  uint16_t size, count;
  std::memcpy(&sections, bytes + 0x28, 8);
  std::memcpy(&size, bytes + 0x3a, 2);
  std::memcpy(&count, bytes + 0x3c, 2);
  std::string path = fake::temporary();
  const int file = mkstemp(path.data());
  if (file < 0) return kInvalidImage;
  close(file);
  std::ofstream(path, std::ios::binary)
      .write(static_cast<const char *>(image), static_cast<std::streamsize>(sections + uint64_t{size} * count));
  void *const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  unlink(path.c_str());
  if (!library) return kInvalidImage;
  *module = new FakeModule{library};
  return kSuccess;
}
FAKE_API int cuModuleUnload(FakeModule *module) {
  dlclose(module->library);
  delete module;
  return kSuccess;
}
FAKE_API int cuModuleGetFunction(FakeFunction **function, FakeModule *module, const char *name) {
  if (const int status = enter("cuModuleGetFunction")) return status;
  void *const launch = dlsym(module->library, (std::string("launch_") + name).c_str());
  void *const sizes = dlsym(module->library, (std::string("sizes_") + name).c_str());
  if (!launch || !sizes) return kNotFound;
  auto made = std::make_unique<FakeFunction>();
  made->name = name;
  made->launch = reinterpret_cast<void (*)(unsigned, unsigned, void **)>(launch);
  size_t all[256];
  made->sizes.assign(all, all + reinterpret_cast<size_t (*)(size_t *)>(sizes)(all));
  *function = made.get();
  module->functions.push_back(std::move(made));
  return kSuccess;
}
FAKE_API int cuLaunchKernel(FakeFunction *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                            unsigned block_y, unsigned block_z, unsigned, FakeStream *stream, void **arguments,
                            void **extra) {
  if (const int status = enter("cuLaunchKernel")) return status;
  if (!stream || !stream->open || grid_x == 0 || grid_y != 1 || grid_z != 1 || block_x != 256 || block_y != 1 ||
      block_z != 1 || extra)
    return kInvalidValue;
  std::string line =
      "launch " + function->name.substr(0, function->name.find("_kernel")) + " " + std::to_string(grid_x);
  for (size_t i = 0; i < function->sizes.size(); ++i) {
    uint64_t value = 0;
    std::memcpy(&value, arguments[i], function->sizes[i]);
    if (function->sizes[i] == sizeof(uint64_t) && !is_ours(value, 1)) {
      lost = true;
      return kIllegalAddress;
    }
    line += " " + (function->sizes[i] == sizeof(uint64_t) ? place(value) : "#" + std::to_string(value));
  }
  log_line(line);
  function->launch(grid_x, block_x, arguments);
  return kSuccess;
}
