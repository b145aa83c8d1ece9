// A stand-in for NVRTC: compiles the source for the host, by the C++ compiler that built this file, behind emulation.h.
// What it gives as machine code is the path of a shared library, which the stand-in for the driver loads. DLC_FAKE_CUDA
// is read as there: `nvrtc=VERSION`, `compile=fails`.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "setting.h"

#define FAKE_API extern "C" __attribute__((visibility("default")))

namespace {

struct Program {
  std::string source, log, image;
};

std::string emulation() {
  std::ifstream file(DLC_FAKE_EMULATION);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What the driver calls: launch_<kernel> and sizes_<kernel>.
std::string entries(const std::string &source) {
  std::string text;
  const std::string before = "__launch_bounds__(kThreads) ";
  for (size_t at = source.find(before); at != std::string::npos; at = source.find(before, at + 1)) {
    const size_t begin = at + before.size();
    const std::string name = source.substr(begin, source.find('(', begin) - begin);
    text += "static void call_" + name + "(void **values) { emulation::call(&" + name + ", values); }\n" +
            "extern \"C\" void launch_" + name +
            "(unsigned blocks, unsigned threads, void **values) { emulation::launch(&call_" + name +
            ", blocks, threads, values); }\n" + "extern \"C\" size_t sizes_" + name +
            "(size_t *bytes) { return emulation::sizes(&" + name + ", bytes); }\n";
  }
  return text;
}

}  // namespace

FAKE_API int nvrtcVersion(int *major, int *minor) {
  const long version = fake::setting("nvrtc", 13000);
  *major = static_cast<int>(version / 1000);
  *minor = static_cast<int>(version % 1000 / 10);
  return 0;
}
FAKE_API const char *nvrtcGetErrorString(int status) {
  return status == 6 ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR";
}
FAKE_API int nvrtcCreateProgram(Program **program, const char *source, const char *, int, const char *const *,
                                const char *const *) {
  *program = new Program{source, "", ""};
  return 0;
}
FAKE_API int nvrtcDestroyProgram(Program **program) {
  delete *program;
  *program = nullptr;
  return 0;
}
FAKE_API int nvrtcCompileProgram(Program *program, int count, const char *const *options) {
  bool has_target = false;
  for (int i = 0; i < count; ++i) has_target |= std::strncmp(options[i], "--gpu-architecture=sm_", 22) == 0;
  if (!has_target || fake::setting_text("compile") == "fails") {
    program->log = "dlc.cu(1): error: it was said to fail";
    return 6;
  }
  std::string folder = fake::temporary();
  if (!mkdtemp(folder.data())) return 2;
  const std::string base = folder + "/module", source = base + ".cpp", library = base + ".so";
  std::ofstream(source) << emulation() << program->source << entries(program->source);
  const std::string command = std::string(DLC_FAKE_COMPILER) +
                              " -std=c++20 -O1 -w -shared -fPIC -fno-math-errno -ffp-contract=fast -o " + library +
                              " " + source + " 2>" + base + ".log";
  if (std::system(command.c_str()) != 0) {
    std::ifstream file(base + ".log");
    program->log.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    return 6;
  }
  std::ifstream file(library, std::ios::binary);
  program->image.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  for (const std::string &made : {source, base + ".log", library}) unlink(made.c_str());
  rmdir(folder.c_str());
  return 0;
}
FAKE_API int nvrtcGetProgramLogSize(Program *program, size_t *bytes) {
  *bytes = program->log.size() + 1;
  return 0;
}
FAKE_API int nvrtcGetProgramLog(Program *program, char *log) {
  std::strcpy(log, program->log.c_str());
  return 0;
}
FAKE_API int nvrtcGetCUBINSize(Program *program, size_t *bytes) {
  *bytes = program->image.size();
  return 0;
}
FAKE_API int nvrtcGetCUBIN(Program *program, char *image) {
  std::memcpy(image, program->image.data(), program->image.size());
  return 0;
}
