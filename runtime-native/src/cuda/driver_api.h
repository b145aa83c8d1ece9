// What is used of the CUDA driver's API, declared here so that no CUDA is needed to build: tables of functions and
// constants, from which the bound pointers are made. test/cuda/declarations.cpp compares them with cuda.h where
// there is one. Statuses and enumerations are int; handles are pointers to types of our own.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dlc::cuda {

using DevicePointer = unsigned long long;
using Context = struct ContextTag *;
using Module = struct ModuleTag *;
using Function = struct FunctionTag *;
using Stream = struct StreamTag *;

// F(name, result, arguments...). The names are those of the library's symbols, versions included.
#define DLC_DRIVER_FUNCTIONS(F)                                                                                  \
  F(cuInit, int, unsigned flags)                                                                                 \
  F(cuDriverGetVersion, int, int *version)                                                                       \
  F(cuGetErrorName, int, int status, const char **name)                                                          \
  F(cuGetErrorString, int, int status, const char **text)                                                        \
  F(cuDeviceGetCount, int, int *count)                                                                           \
  F(cuDeviceGet, int, int *device, int ordinal)                                                                  \
  F(cuDeviceGetName, int, char *name, int capacity, int device)                                                  \
  F(cuDeviceGetAttribute, int, int *value, int attribute, int device)                                            \
  F(cuDeviceTotalMem_v2, int, size_t *bytes, int device)                                                         \
  F(cuDevicePrimaryCtxRetain, int, Context *context, int device)                                                 \
  F(cuDevicePrimaryCtxRelease_v2, int, int device)                                                               \
  F(cuCtxSetCurrent, int, Context context)                                                                       \
  F(cuMemGetInfo_v2, int, size_t *free, size_t *total)                                                           \
  F(cuMemAlloc_v2, int, DevicePointer *address, size_t bytes)                                                    \
  F(cuMemFree_v2, int, DevicePointer address)                                                                    \
  F(cuMemcpyHtoDAsync_v2, int, DevicePointer dst, const void *src, size_t bytes, Stream stream)                  \
  F(cuMemcpyDtoHAsync_v2, int, void *dst, DevicePointer src, size_t bytes, Stream stream)                        \
  F(cuMemcpyDtoDAsync_v2, int, DevicePointer dst, DevicePointer src, size_t bytes, Stream stream)                \
  F(cuMemsetD8Async, int, DevicePointer dst, unsigned char value, size_t bytes, Stream stream)                   \
  F(cuStreamCreate, int, Stream *stream, unsigned flags)                                                         \
  F(cuStreamDestroy_v2, int, Stream stream)                                                                      \
  F(cuStreamSynchronize, int, Stream stream)                                                                     \
  F(cuModuleLoadData, int, Module *module, const void *image)                                                    \
  F(cuModuleUnload, int, Module module)                                                                          \
  F(cuModuleGetFunction, int, Function *function, Module module, const char *name)                               \
  F(cuLaunchKernel, int, Function function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, \
    unsigned block_y, unsigned block_z, unsigned shared_bytes, Stream stream, void **arguments, void **extra)

// C(own name, the header's name, value)
#define DLC_DRIVER_CONSTANTS(C)                                               \
  C(kSuccess, CUDA_SUCCESS, 0)                                                \
  C(kOutOfMemory, CUDA_ERROR_OUT_OF_MEMORY, 2)                                \
  C(kNoDevice, CUDA_ERROR_NO_DEVICE, 100)                                     \
  C(kNoBinaryForDevice, CUDA_ERROR_NO_BINARY_FOR_GPU, 209)                    \
  C(kStreamNonBlocking, CU_STREAM_NON_BLOCKING, 1)                            \
  C(kAttributeProcessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 16)       \
  C(kAttributeComputeMajor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 75) \
  C(kAttributeComputeMinor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 76)

}  // namespace dlc::cuda
