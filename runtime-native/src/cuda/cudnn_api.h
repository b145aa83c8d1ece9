// What a graph of cuDNN 9's backend API needs; see driver_api.h. Everything else of that API is attributes, by number.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver_api.h"

namespace dlc::cuda {

using DnnHandle = struct DnnHandleTag *;
using DnnDescriptor = void *;

#define DLC_CUDNN_FUNCTIONS(F)                                                                                        \
  F(cudnnGetVersion, size_t)                                                                                          \
  F(cudnnGetErrorString, const char *, int status)                                                                    \
  F(cudnnCreate, int, DnnHandle *handle)                                                                              \
  F(cudnnDestroy, int, DnnHandle handle)                                                                              \
  F(cudnnSetStream, int, DnnHandle handle, Stream stream)                                                             \
  F(cudnnBackendCreateDescriptor, int, int type, DnnDescriptor *descriptor)                                           \
  F(cudnnBackendDestroyDescriptor, int, DnnDescriptor descriptor)                                                     \
  F(cudnnBackendFinalize, int, DnnDescriptor descriptor)                                                              \
  F(cudnnBackendSetAttribute, int, DnnDescriptor descriptor, int attribute, int type, int64_t count,                  \
    const void *values)                                                                                               \
  F(cudnnBackendGetAttribute, int, DnnDescriptor descriptor, int attribute, int type, int64_t wanted, int64_t *count, \
    void *values)                                                                                                     \
  F(cudnnBackendExecute, int, DnnHandle handle, DnnDescriptor plan, DnnDescriptor pointers)

#define DLC_CUDNN_CONSTANTS(C) C(kDnnSuccess, CUDNN_STATUS_SUCCESS, 0)

}  // namespace dlc::cuda
