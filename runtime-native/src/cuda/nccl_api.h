// What sums over several cards need of NCCL; see driver_api.h.
#pragma once

#include <cstddef>

#include "driver_api.h"

namespace dlc::cuda {

using NcclGroup = struct NcclGroupTag *;

struct NcclId {
  char bytes[128];
};

#define DLC_NCCL_FUNCTIONS(F)                                                                               \
  F(ncclGetVersion, int, int *version)                                                                      \
  F(ncclGetErrorString, const char *, int status)                                                           \
  F(ncclGetUniqueId, int, NcclId *id)                                                                       \
  F(ncclCommInitRank, int, NcclGroup *group, int ranks, NcclId id, int rank)                                \
  F(ncclCommDestroy, int, NcclGroup group)                                                                  \
  F(ncclCommAbort, int, NcclGroup group)                                                                    \
  F(ncclAllReduce, int, const void *src, void *dst, size_t count, int type, int operation, NcclGroup group, \
    Stream stream)

#define DLC_NCCL_CONSTANTS(C)     \
  C(kNcclSuccess, ncclSuccess, 0) \
  C(kNcclFloat32, ncclFloat32, 7) \
  C(kNcclFloat64, ncclFloat64, 8) \
  C(kNcclSum, ncclSum, 0)

}  // namespace dlc::cuda
