// NVIDIA's libraries as far as this machine has them: found, their versions held against what is needed, every function
// bound. What is missing is one sentence for each library, which says what was wanted, what was found, and where.
#pragma once

#include <string>

#include "cuda/cublaslt_api.h"
#include "cuda/cudnn_api.h"
#include "cuda/driver_api.h"
#include "cuda/nccl_api.h"
#include "cuda/nvrtc_api.h"
#include "cuda/shared_library.h"

namespace dlc::cuda {

#define DLC_MEMBER(name, result, ...) result (*name)(__VA_ARGS__) = nullptr;
struct DriverApi {
  DLC_DRIVER_FUNCTIONS(DLC_MEMBER)
};
struct NvrtcApi {
  DLC_NVRTC_FUNCTIONS(DLC_MEMBER)
};
struct CublasLtApi {
  DLC_CUBLASLT_FUNCTIONS(DLC_MEMBER)
};
struct CudnnApi {
  DLC_CUDNN_FUNCTIONS(DLC_MEMBER)
};
struct NcclApi {
  DLC_NCCL_FUNCTIONS(DLC_MEMBER)
};
#undef DLC_MEMBER

#define DLC_CONSTANT(own, real, value) constexpr int own = value;
DLC_DRIVER_CONSTANTS(DLC_CONSTANT)
DLC_NVRTC_CONSTANTS(DLC_CONSTANT)
DLC_CUBLASLT_CONSTANTS(DLC_CONSTANT)
DLC_CUDNN_CONSTANTS(DLC_CONSTANT)
DLC_NCCL_CONSTANTS(DLC_CONSTANT)
#undef DLC_CONSTANT

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;

  std::string text() const;
};

// One library: its functions are bound where `problem` is empty.
struct Found {
  const char *name = "";  // for people
  const char *file = "";  // of the newest version that will do
  SharedLibrary library;
  std::string path;
  Version version;
  std::string problem;

  explicit operator bool() const { return problem.empty(); }
};

struct Libraries {
  Found driver, nvrtc, cublaslt, cudnn, nccl;
  DriverApi driver_api;
  NvrtcApi nvrtc_api;
  CublasLtApi cublaslt_api;
  CudnnApi cudnn_api;
  NcclApi nccl_api;
};

// Opens what there is; throws nothing but std::bad_alloc.
Libraries find_libraries();

// The driver and NVRTC alone: what running a plan takes.
Libraries find_needed_libraries();

// "CUDA_ERROR_OUT_OF_MEMORY (out of memory)"
std::string driver_error(const DriverApi &api, int status);

}  // namespace dlc::cuda
