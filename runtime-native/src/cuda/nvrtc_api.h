// What is used of NVRTC, the compiler of CUDA C++ at run time; see driver_api.h.
#pragma once

#include <cstddef>

namespace dlc::cuda {

using NvrtcProgram = struct NvrtcProgramTag *;

#define DLC_NVRTC_FUNCTIONS(F)                                                                         \
  F(nvrtcVersion, int, int *major, int *minor)                                                         \
  F(nvrtcGetErrorString, const char *, int status)                                                     \
  F(nvrtcCreateProgram, int, NvrtcProgram *program, const char *source, const char *name, int headers, \
    const char *const *header_sources, const char *const *header_names)                                \
  F(nvrtcDestroyProgram, int, NvrtcProgram *program)                                                   \
  F(nvrtcCompileProgram, int, NvrtcProgram program, int count, const char *const *options)             \
  F(nvrtcGetProgramLogSize, int, NvrtcProgram program, size_t *bytes)                                  \
  F(nvrtcGetProgramLog, int, NvrtcProgram program, char *log)                                          \
  F(nvrtcGetCUBINSize, int, NvrtcProgram program, size_t *bytes)                                       \
  F(nvrtcGetCUBIN, int, NvrtcProgram program, char *image)

#define DLC_NVRTC_CONSTANTS(C) C(kNvrtcSuccess, NVRTC_SUCCESS, 0)

}  // namespace dlc::cuda
